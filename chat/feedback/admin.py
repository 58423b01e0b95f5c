"""The admin's pages of what visitors say: all of their feedback, and visitor by visitor, to drop or restore it all."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, RadioFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display

from chat.feedback.services import drop_visitor, restore_visitor
from chat.filters import DayRangeFilter
from chat.models import Chat, Feedback, Visitor

_LINK = '<a class="underline" href="{}">{}</a>'
_STATES = {"kept": "success", "dropped": "danger"}


def may_view_visitors(request: HttpRequest) -> bool:
    """Tell whether the sidebar shows the visitors."""
    return request.user.has_perm("chat.view_visitor")


def may_view_feedback(request: HttpRequest) -> bool:
    """Tell whether the sidebar shows the feedback."""
    return request.user.has_perm("chat.view_feedback")


class StateFilter(RadioFilter):
    """Visitors who are learned from, or who were dropped."""

    title = _("상태")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        """Return the choices."""
        return [("kept", _("배움")), ("dropped", _("뺌"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Visitor]) -> QuerySet[Visitor]:
        """Return the visitors chosen."""
        if self.value() in _STATES:
            return queryset.filter(dropped_at__isnull=self.value() == "kept")
        return queryset


@admin.register(Visitor)
class VisitorAdmin(ModelAdmin):
    """Visitors, the newest first. None is made or deleted here: dropping takes nothing away for good."""

    list_display = (
        "name",
        "chat_count",
        "approved_count",
        "suggestions",
        "complaints",
        "state",
        "trusted",
        "created_at",
    )
    list_filter = (StateFilter, ("trusted", BooleanRadioFilter))
    list_filter_submit = True
    list_per_page = 50
    search_fields = ("key",)
    search_help_text = _("방문자 번호에서 찾아요")
    actions = ("drop_all", "restore_all")
    actions_submit_line = ("drop_this", "restore_this")

    fields = (
        ("name", "created_at"),
        "trusted",
        ("chats", "approved_count"),
        ("suggestions", "complaints"),
        ("state_text", "dropped_at", "dropped_by"),
    )
    readonly_fields = (
        *("name", "created_at", "chats", "approved_count", "suggestions", "complaints"),
        *("state_text", "dropped_at", "dropped_by"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Visitor]:
        """Count what each visitor said and what of it is learned."""
        said = Chat.objects.conversation().filter(session=OuterRef("key"))
        given = Feedback.objects.order_by().filter(visitor=OuterRef("pk"))
        return (
            super()
            .get_queryset(request)
            .select_related("dropped_by")
            .annotate(
                chats_said=_counted(said, "session"),
                approved=_counted(said.approved(), "session"),
                suggested=_counted(given.exclude(suggestion=""), "visitor"),
                complained=_counted(given.filter(thumb=Feedback.Thumb.DOWN), "visitor"),
            )
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Visitors come by themselves."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Visitor | None = None) -> bool:
        """What visitors said is deleted among the chats."""
        return False

    def has_drop_visitor_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Dropping has a permission of its own."""
        return request.user.has_perm("chat.drop_visitor")

    def get_actions_submit_line(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        """Offer to drop those alone who are kept, and to restore those who were dropped."""
        is_dropped = Visitor.objects.dropped().filter(pk=object_id).exists()
        offered = self.restore_this if is_dropped else self.drop_this
        actions = super().get_actions_submit_line(request, object_id)
        return [action for action in actions if action.method == offered]

    # --- What is shown --------------------------------------------------------------------------------------

    @display(description=_("방문자"), ordering="pk")
    def name(self, visitor: Visitor) -> str:
        """Show the beginning of the key, by which rows of one visitor are told from others."""
        return str(visitor)

    @display(description=_("대화 수"), ordering="chats_said")
    def chat_count(self, visitor: Visitor) -> int:
        """Show how much they said."""
        return visitor.chats_said

    @display(description=_("대화 수"))
    def chats(self, visitor: Visitor) -> SafeString:
        """Show how much they said, with a way to it."""
        address = f"{reverse('admin:chat_chat_changelist')}?session__exact={visitor.key}"
        return format_html(_LINK, address, visitor.chats_said)

    @display(description=_("배우는 대화"), ordering="approved")
    def approved_count(self, visitor: Visitor) -> int:
        """Show how much of that is learned: nothing once they are dropped."""
        return 0 if visitor.is_dropped else visitor.approved

    @display(description=_("제안"), ordering="suggested")
    def suggestions(self, visitor: Visitor) -> int:
        """Show how many answers they suggested."""
        return visitor.suggested

    @display(description="👎", ordering="complained")
    def complaints(self, visitor: Visitor) -> int:
        """Show how many answers they did not like."""
        return visitor.complained

    @display(description=_("상태"), label=_STATES)
    def state(self, visitor: Visitor) -> tuple[str, Any]:
        """Show whether they are learned from."""
        return ("dropped", _("뺌")) if visitor.is_dropped else ("kept", _("배움"))

    @display(description=_("상태"))
    def state_text(self, visitor: Visitor) -> str:
        """Show the same on the visitor's own page, which draws no labels."""
        return str(self.state(visitor)[1])

    # --- Dropping and restoring -----------------------------------------------------------------------------

    @action(description=_("이 방문자가 남긴 모든 것 빼기"), permissions=["drop_visitor"])
    def drop_all(self, request: HttpRequest, queryset: QuerySet[Visitor]) -> None:
        """Learn nothing from the chosen visitors."""
        self._tell_dropped(request, sum(drop_visitor(visitor=visitor, by=request.user) for visitor in queryset))

    @action(description=_("뺀 방문자 되돌리기"), permissions=["drop_visitor"])
    def restore_all(self, request: HttpRequest, queryset: QuerySet[Visitor]) -> None:
        """Learn from the chosen visitors again."""
        self._tell_restored(request, sum(restore_visitor(visitor=visitor) for visitor in queryset))

    @action(description=_("모두 빼기"), permissions=["drop_visitor"])
    def drop_this(self, request: HttpRequest, obj: Visitor) -> None:
        """Learn nothing from the visitor shown."""
        self._tell_dropped(request, drop_visitor(visitor=obj, by=request.user))

    @action(description=_("이 방문자 되돌리기"), permissions=["drop_visitor"])
    def restore_this(self, request: HttpRequest, obj: Visitor) -> None:
        """Learn from the visitor shown again."""
        self._tell_restored(request, restore_visitor(visitor=obj))

    def _tell_dropped(self, request: HttpRequest, count: int) -> None:
        text = ngettext(
            "대화 %d개를 뺐어요. 기억에서는 벌써 사라졌고, 다음 학습에도 쓰지 않아요.",
            "대화 %d개를 뺐어요. 기억에서는 벌써 사라졌고, 다음 학습에도 쓰지 않아요.",
            count,
        )
        self.message_user(request, text % count, messages.SUCCESS)

    def _tell_restored(self, request: HttpRequest, count: int) -> None:
        text = ngettext("대화 %d개를 되돌렸어요.", "대화 %d개를 되돌렸어요.", count)
        self.message_user(request, text % count, messages.SUCCESS)


class SuggestionFilter(RadioFilter):
    """Feedback with or without a suggested answer."""

    title = _("제안한 답")
    parameter_name = "suggested"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        """Return the choices."""
        return [("yes", _("있음")), ("no", _("없음"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> QuerySet[Feedback]:
        """Return the feedback chosen."""
        if self.value() in ("yes", "no"):
            return queryset.filter(suggested_at__isnull=self.value() == "no")
        return queryset


@admin.register(Feedback)
class FeedbackAdmin(ModelAdmin):
    """What visitors said of answers, to be read; deciding on it is done in the inbox or on the chat's own page."""

    list_display = ("short_question", "short_answer", "said", "short_suggestion", "visitor_link", "created_at")
    list_display_links = None
    list_select_related = ("chat", "visitor")
    list_filter = (("thumb", ChoicesDropdownFilter), SuggestionFilter, ("created_at", DayRangeFilter))
    list_filter_submit = True
    list_per_page = 50
    list_fullwidth = True
    search_fields = ("chat__question", "chat__answer", "suggestion")
    search_help_text = _("질문, 답, 제안한 답에서 찾아요")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Feedback comes from the chat page."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Feedback | None = None) -> bool:
        """Nobody puts words into a visitor's mouth."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Feedback | None = None) -> bool:
        """It goes with its chat, and only so."""
        return obj is not None and request.user.has_perm("chat.delete_chat")

    @display(description=_("질문"), ordering="chat__question")
    def short_question(self, feedback: Feedback) -> SafeString:
        """Show the beginning of the question, with a way to the chat."""
        address = reverse("admin:chat_chat_change", args=[feedback.chat_id])
        return format_html(_LINK, address, Truncator(feedback.chat.question).chars(60))

    @display(description=_("나간 답"))
    def short_answer(self, feedback: Feedback) -> str:
        """Show the beginning of the answer that it is about."""
        return Truncator(feedback.chat.answer).chars(60)

    @display(description=_("평가"), ordering="thumb")
    def said(self, feedback: Feedback) -> str:
        """Show thumb and reaction."""
        return feedback.signs

    @display(description=_("제안한 답"), ordering="suggestion")
    def short_suggestion(self, feedback: Feedback) -> str:
        """Show the beginning of the suggestion."""
        return Truncator(feedback.suggestion).chars(60)

    @display(description=_("방문자"), ordering="visitor")
    def visitor_link(self, feedback: Feedback) -> SafeString:
        """Show whose it is, with a way to everything else of theirs."""
        address = reverse("admin:chat_visitor_change", args=[feedback.visitor_id])
        return format_html(_LINK, address, feedback.visitor)


def _counted(rows: QuerySet[Any], by: str) -> Coalesce:
    """Return how many of a visitor's rows there are, as part of the query for visitors."""
    numbers = rows.order_by().values(by).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(numbers), 0)
