"""The accounts of those who work on Jaram, and the groups that are their roles, in the admin: in words.

Who is no superuser makes none and changes none.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Field, ManyToManyField, Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

admin.site.unregister(User)
admin.site.unregister(Group)

_ACTIONS = {
    "view": gettext_lazy("보기"),
    "add": gettext_lazy("추가하기"),
    "change": gettext_lazy("고치기"),
    "delete": gettext_lazy("삭제하기"),
}
_SPECIAL = {
    "start_training": gettext_lazy("시작하고 취소하기"),
    "publish_model": gettext_lazy("모델 내보내고 되돌리기"),
    "drop_visitor": gettext_lazy("남긴 것을 모두 빼고 되돌리기"),
}
_PERSON = {"fields": ("last_name", "first_name", "email")}


class GroupField(forms.ModelMultipleChoiceField):
    """Groups to tick."""

    widget = UnfoldAdminCheckboxSelectMultipleWidget


class PermissionField(forms.ModelMultipleChoiceField):
    """What a group may do, to tick: named by what it is done to."""

    widget = UnfoldAdminCheckboxSelectMultipleWidget

    def label_from_instance(self, permission: Permission) -> str:
        """Say what may be done to what; a permission that nobody has a word for keeps its own."""
        action = permission.codename.partition("_")[0]
        said = _SPECIAL.get(permission.codename) or _ACTIONS.get(action) or permission.name
        return f"{permission.content_type.name}: {said}"


def known_permissions() -> QuerySet[Permission]:
    """Return the permissions that anything asks for: of Jaram's own tables, of accounts and of groups."""
    known = Permission.objects.filter(content_type__app_label__in=("chat", "auth"))
    unused = ("permission", "setupstep")
    return known.exclude(content_type__model__in=unused).select_related("content_type").order_by("content_type", "pk")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    """Accounts: who they are, and what they may do."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "group_names", "is_active", "last_login")
    list_filter = ("groups", "is_active")
    filter_horizontal = ()
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2", "is_staff", "groups")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Return the accounts with their groups."""
        return super().get_queryset(request).prefetch_related(Prefetch("groups", Group.objects.order_by("pk")))

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Ask who somebody is and what they may do; only superusers are asked whether it is everything."""
        if obj is None:
            return self.add_fieldsets
        everything = ("is_superuser",) if request.user.is_superuser else ()
        return (
            (None, {"fields": ("username", "password")}),
            (_("사람"), _PERSON),
            (_("할 수 있는 일"), {"fields": ("is_active", "is_staff", "groups", *everything)}),
        )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Whoever gets an account here is to work here."""
        return {"is_staff": True} | super().get_changeform_initial_data(request)

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> Any:
        """Let groups be ticked, without buttons to make another one meanwhile."""
        if db_field.name != "groups":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        help_text = _("여러 개를 고르면 그 모두를 할 수 있어요.")
        return GroupField(Group.objects.order_by("pk"), required=False, label=_("그룹"), help_text=help_text)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Leave superusers to superusers: else whoever may change an account could take over theirs."""
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Likewise."""
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    @display(description=gettext_lazy("그룹"))
    def group_names(self, user: User) -> str:
        """Show the groups."""
        everything = [_("모든 권한")] if user.is_superuser else []
        return ", ".join([*everything, *(group.name for group in user.groups.all())]) or "–"


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    return user is None or not user.is_superuser or request.user.is_superuser


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """Groups, and what each may do."""

    filter_horizontal = ()

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any) -> Any:
        """Let permissions be ticked, said in words."""
        return PermissionField(known_permissions(), required=False, label=_("할 수 있는 일"))
