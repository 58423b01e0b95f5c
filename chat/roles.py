"""The three roles that people who work on Jaram may have, as groups: each may do what the one before may, and more."""

from typing import Any

REVIEWER, EDITOR, ADMIN = "검토자", "편집자", "관리자"

_REVIEWER = {
    *("view_chat", "add_chat", "change_chat"),
    *("view_category", "add_category", "change_category", "delete_category"),
    *("view_feedback", "view_visitor", "view_blockrule", "view_decision", "view_trainingrun"),
}
_EDITOR = _REVIEWER | {
    *("start_training", "publish_model"),
    *("delete_chat", "change_visitor", "drop_visitor"),
    *("add_blockrule", "change_blockrule", "delete_blockrule"),
}
_ACCOUNTS = {f"{action}_{model}" for action in ("view", "add", "change", "delete") for model in ("user", "group")}

# What each role may do: permissions by the label of their app.
PERMISSIONS: dict[str, dict[str, set[str]]] = {
    REVIEWER: {"chat": _REVIEWER},
    EDITOR: {"chat": _EDITOR},
    ADMIN: {"chat": _EDITOR, "auth": _ACCOUNTS},
}


def make_role(name: str, *, groups: Any, permissions: Any) -> Any:
    """Make a role's group, or give it back its permissions; return it.

    ``groups`` and ``permissions`` are managers: a migration has models of its own.
    """
    group, _created = groups.get_or_create(name=name)
    group.permissions.set(
        permission
        for label, codenames in PERMISSIONS[name].items()
        for permission in permissions.filter(content_type__app_label=label, codename__in=codenames)
    )
    return group
