"""What was noticed about the data before a training, in words for everybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from chat.templatetags.versions import amount, share
from chat.versions.records import Version, number, objects, text
from chat.versions.sentences import finding_text

SHOWN_ROWS = 20  # of one finding; the manifest keeps a hundred
SHOWN_CONFLICTS = 50
_GRAVITY = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was noticed: its name, how much of it, the rows it is about, and what it means."""

    label: str
    severity: str
    value: str
    rows: list[int]
    more: int
    detail: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A question that came with different answers: those that are learned, and those that they overrule."""

    question: str
    kept: list[str]
    superseded: list[str]
    rows: list[int]


@dataclass(frozen=True, slots=True)
class Validation:
    """What there is to look at, what was only measured, and the questions with different answers."""

    problems: list[Finding]
    measured: list[Finding]
    conflicts: list[Conflict]
    more_conflicts: int

    def rows(self) -> set[int]:
        """The database ids that the page links to."""
        return {row for one in (*self.problems, *self.measured, *self.conflicts) for row in one.rows}


def validation(version: Version) -> Validation | None:
    """Return what was found in a version's data; None for a version made before anybody looked."""
    if version.run is None or not version.run.manifest.validation:
        return None
    findings = [_finding(one) for one in objects(version.run.manifest.validation, "findings")]
    findings.sort(key=lambda one: _GRAVITY.index(one.severity))
    conflicts = objects(version.corpus, "conflicts")
    return Validation(
        problems=[one for one in findings if one.severity != "info"],
        measured=[one for one in findings if one.severity == "info"],
        conflicts=[_conflict(one) for one in conflicts[:SHOWN_CONFLICTS]],
        more_conflicts=max(0, len(conflicts) - SHOWN_CONFLICTS),
    )


def _finding(one: Mapping[str, Any]) -> Finding:
    code, severity = text(one, "code"), text(one, "severity")
    rows = _rows(one)
    return Finding(
        label=_labels().get(code, code),
        severity=severity if severity in _GRAVITY else "info",
        value=_value(code, number(one, "value")),
        rows=rows[:SHOWN_ROWS],
        more=max(0, len(rows) - SHOWN_ROWS),
        detail=finding_text(code, severity, one.get("figures")),
    )


def _conflict(one: Mapping[str, Any]) -> Conflict:
    return Conflict(text(one, "question"), _texts(one, "kept"), _texts(one, "superseded"), _rows(one)[:SHOWN_ROWS])


def _rows(one: Mapping[str, Any]) -> list[int]:
    rows = one.get("rows")
    return [row for row in rows if type(row) is int] if isinstance(rows, list) else []


def _texts(one: Mapping[str, Any], name: str) -> list[str]:
    values = one.get(name)
    return [str(value) for value in values] if isinstance(values, list) else []


def _value(code: str, value: float | None) -> str:
    """Write a finding's value: a count, a share, or an index of stability."""
    if code in ("duplicates", "empty_sides", "overlong_sides", "conflicts", "echoes"):
        return amount(None if value is None else int(value))
    if code.endswith(("_skew", "_drift")):
        return "–" if value is None else f"{value:.3f}"
    return share(value)


def _labels() -> dict[str, str]:
    return {
        "duplicates": _("똑같은 질문과 답"),
        "empty_sides": _("질문이나 답이 빈 쌍"),
        "overlong_sides": _("질문이나 답이 너무 긴 쌍"),
        "conflicts": _("답이 여럿인 질문"),
        "echoes": _("질문을 그대로 되풀이하는 답"),
        "foreign_questions": _("한국어가 아닌 질문"),
        "foreign_answers": _("한국어가 아닌 답"),
        "unknown_tokens": _("따로 둔 질문에서 어휘에 없는 조각"),
        "new_words": _("따로 둔 질문에서 배운 적 없는 낱말"),
        "question_length_skew": _("배운 질문과 따로 둔 질문의 길이 차이"),
        "answer_length_skew": _("배운 답과 따로 둔 답의 길이 차이"),
        "category_skew": _("배운 쌍과 따로 둔 쌍의 분류 차이"),
        "question_length_drift": _("전 말뭉치와 견준 질문 길이 변화"),
        "answer_length_drift": _("전 말뭉치와 견준 답 길이 변화"),
        "category_drift": _("전 말뭉치와 견준 분류 변화"),
        "one_visitor": _("한 방문자가 나눈 대화의 비율"),
    }
