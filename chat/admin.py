"""The admin: where people read what was said and decide what is learned. Changes go through services."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from import_export.admin import ImportExportModelAdmin
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.contrib.import_export.forms import ExportForm, ImportForm
from unfold.decorators import action, display
from unfold.forms import ActionForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from chat import services
from chat.accounts import GroupAdmin, UserAdmin  # noqa: F401 - importing them registers them
from chat.feedback.admin import FeedbackAdmin, VisitorAdmin  # noqa: F401
from chat.filters import DayRangeFilter
from chat.formats import FORMATS
from chat.inbox.approval import ApprovalAdmin, ApprovalForm, may_approve_alone
from chat.inbox.services import add, decide_on_all, review
from chat.knowledge.admin import BlockRuleAdmin  # noqa: F401
from chat.models import Category, Chat
from chat.provenance import Provenance
from chat.resources import ChatResource, name_columns
from chat.versions.records import label_of
from core.text import normalise

VERIFY_COLOURS = {
    Chat.Verify.PENDING.value: "warning",
    Chat.Verify.APPROVED.value: "success",
    Chat.Verify.DELETE.value: "danger",
}

# Where a row comes from; of a conversation, also where its answer does.
_WHENCE = (("origin", "source"), ("score_percent", "model_link"), ("created_at", "answered_at"))
_ANSWERED = ("visitor_link", "visitor_said", "nearest_rows", "other_candidates")


def may_view_chats(request: HttpRequest) -> bool:
    """Tell whether the sidebar shows the chats."""
    return request.user.has_perm("chat.view_chat")


def may_view_categories(request: HttpRequest) -> bool:
    """Tell whether the sidebar shows the categories."""
    return request.user.has_perm("chat.view_category")


def may_view_users(request: HttpRequest) -> bool:
    """Tell whether the sidebar shows the accounts."""
    return request.user.has_perm("auth.view_user")


def may_view_groups(request: HttpRequest) -> bool:
    """Tell whether the sidebar shows the groups."""
    return request.user.has_perm("auth.view_group")


class ChatActionForm(ActionForm):
    """The bar of bulk actions, with the category to choose for "set category"."""

    to_category = forms.ModelChoiceField(
        label="",
        queryset=Category.objects.all(),
        required=False,
        empty_label=_("분류 없음"),
        widget=UnfoldAdminSelectWidget(
            {"aria-label": _("분류"), "x-show": "action === 'put_into_category'", "x-cloak": ""}
        ),
    )


class ChatForm(ApprovalForm):
    """A pair or the review of an exchange."""

    class Meta:
        model = Chat
        fields = ("question", "answer", "correction", "verify", "canary", "category")
        widgets = {name: UnfoldAdminTextareaWidget({"rows": 3}) for name in ("question", "answer", "correction")}

    def clean(self) -> dict[str, Any]:
        """Refuse a pair that is empty or stored already; what a conversation holds is not in the form."""
        cleaned = super().clean() or self.cleaned_data
        if "question" not in self.fields or "question" not in cleaned:
            return cleaned
        question, answer = cleaned["question"], cleaned.get("answer", "")
        if not normalise(question):
            self.add_error("question", _("질문이 비어 있어요."))
        if not normalise(answer):
            self.add_error("answer", _("답이 비어 있어요."))
        twin = services.stored_pair(question=question, answer=answer)
        if twin is not None and twin.pk != self.instance.pk:
            self.add_error("question", _("같은 질문과 답이 이미 있어요."))
        return cleaned


@admin.register(Chat)
class ChatAdmin(Provenance, ApprovalAdmin, ModelAdmin, ImportExportModelAdmin):
    """Chats: listed, searched, filtered, corrected one by one and decided on in bulk."""

    form = ChatForm
    action_form = ChatActionForm
    resource_classes = [ChatResource]
    formats = FORMATS
    import_form_class = ImportForm
    export_form_class = ExportForm

    list_display = (
        "short_question",
        "short_answer",
        "category",
        "verify_label",
        "source",
        "score_percent",
        "short_model",
        "asked_at",
    )
    list_display_links = ("short_question",)
    list_select_related = ("category",)
    list_filter = (
        ("verify", ChoicesDropdownFilter),
        ("category", RelatedDropdownFilter),
        ("source", ChoicesDropdownFilter),
        ("origin", ChoicesDropdownFilter),
        ("canary", BooleanRadioFilter),
        ("created_at", DayRangeFilter),
    )
    list_filter_submit = True
    list_per_page = 50
    list_fullwidth = True
    search_fields = ("question", "answer", "correction")
    search_help_text = _("질문, 답, 고친 답에서 찾아요")
    actions = ("approve", "mark_for_deletion", "put_into_category", "mark_as_canary", "unmark_as_canary")
    warn_unsaved_form = True

    class Media:
        css = {"all": ("chat/admin.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Chat]:
        """Return the rows with the answer that counts beside them."""
        return super().get_queryset(request).with_best_answer()

    # --- The list -------------------------------------------------------------------------------------------

    @display(description=_("질문"), ordering="question")
    def short_question(self, chat: Chat) -> str:
        """Show the beginning of the question, and mark one whose answer must always hold."""
        text = Truncator(chat.question).chars(60)
        return f"★ {text}" if chat.canary else text

    @display(description=_("답"), ordering="best_answer")
    def short_answer(self, chat: Chat) -> str:
        """Show the beginning of the answer, and mark one that a reviewer wrote."""
        text = Truncator(chat.best_answer).chars(60)
        return f"✎ {text}" if chat.correction else text

    @display(description=_("검토"), ordering="verify", label=VERIFY_COLOURS)
    def verify_label(self, chat: Chat) -> tuple[str, str]:
        """Show the decision in its colour."""
        return chat.verify, chat.get_verify_display()

    @display(description=_("점수"), ordering="score", empty_value="-")
    def score_percent(self, chat: Chat) -> str | None:
        """Show how sure the answer was."""
        return None if chat.score is None else f"{chat.score:.0%}"

    @display(description=_("모델"), ordering="model_version", empty_value="-")
    def short_model(self, chat: Chat) -> str | None:
        """Show the end of the version's name, which tells versions apart; all of it to whoever points at it."""
        if not chat.model_version:
            return None
        label = label_of(chat.model_version)
        return format_html('<span title="{}">{}</span>', label, label.rpartition("-")[2])

    @display(description=_("물은 때"), ordering="created_at")
    def asked_at(self, chat: Chat) -> str:
        """Show when it was asked on one line, so that the texts beside it have room."""
        moment = date_format(timezone.localtime(chat.created_at), "Y-m-d H:i")
        return format_html('<span class="whitespace-nowrap">{}</span>', moment)

    # --- One row --------------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Chat | None = None) -> list[tuple[str | None, dict[str, Any]]]:
        """Ask a new pair for what it needs; show where a stored row comes from."""
        if obj is None:
            return [(None, {"fields": ("question", "answer", "verify", "canary", "category")})]
        return [
            (None, {"fields": ("question", "answer", "correction", "verify", "canary", "category")}),
            (_("검토 기록"), {"fields": (("reviewer", "reviewed_at"),)}),
            (_("나온 곳"), {"fields": _WHENCE + (_ANSWERED if obj.is_conversation else ())}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Chat | None = None) -> tuple[str, ...]:
        """What was said stays as it was said."""
        always = (*flatten(_WHENCE + _ANSWERED), "reviewer", "reviewed_at")
        return ("question", "answer", *always) if obj is not None and obj.is_conversation else always

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str]:
        """A pair that a reviewer writes is reviewed."""
        return {"verify": Chat.Verify.APPROVED} | super().get_changeform_initial_data(request)

    def save_model(self, request: HttpRequest, obj: Chat, form: forms.ModelForm, change: bool) -> None:
        """Save a review, or a new pair."""
        if change:
            review(user=request.user, chat=obj, changed=form.changed_data)
        else:
            add(user=request.user, chat=obj, origin=Chat.Origin.HAND)
        self.tell_contradictions(request, obj)

    # --- Many rows ------------------------------------------------------------------------------------------

    @action(description=_("검토완료로 바꾸기"), permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Chat]) -> None:
        """Let the chosen rows be learned."""
        unknown = queryset.without_answer().order_by().count()
        count = decide_on_all(user=request.user, verify=Chat.Verify.APPROVED, chats=queryset)
        self._tell(
            request,
            ngettext("대화 %d개를 검토완료로 바꿨어요.", "대화 %d개를 검토완료로 바꿨어요.", count) % count,
        )
        if unknown:
            text = ngettext(
                "모른다고 답한 대화 %d개는 그대로 뒀어요. 고친 답을 적어야 승인할 수 있어요.",
                "모른다고 답한 대화 %d개는 그대로 뒀어요. 고친 답을 적어야 승인할 수 있어요.",
                unknown,
            )
            self.message_user(request, text % unknown, messages.WARNING)

    @action(description=_("삭제필요로 바꾸기"), permissions=["change"])
    def mark_for_deletion(self, request: HttpRequest, queryset: QuerySet[Chat]) -> None:
        """Keep the chosen rows from being learned."""
        count = decide_on_all(user=request.user, verify=Chat.Verify.DELETE, chats=queryset)
        self._tell(
            request,
            ngettext("대화 %d개를 삭제필요로 바꿨어요.", "대화 %d개를 삭제필요로 바꿨어요.", count) % count,
        )

    @action(description=_("분류 정하기"), permissions=["change"])
    def put_into_category(self, request: HttpRequest, queryset: QuerySet[Chat]) -> None:
        """Put the chosen rows into the category chosen beside the action."""
        form = ChatActionForm(request.POST, auto_id=None)
        form.fields["action"].required = False
        form.fields["action"].choices = [("put_into_category", "")]
        if not form.is_valid():
            self.message_user(request, _("그 분류는 없어요. 다시 골라 주세요."), messages.ERROR)
            return
        category = form.cleaned_data["to_category"]
        count = services.set_category(chats=queryset, category=category)
        name = category.name if category else _("분류 없음")
        self._tell(
            request,
            ngettext("대화 %(count)d개의 분류: %(name)s", "대화 %(count)d개의 분류: %(name)s", count)
            % {"count": count, "name": name},
        )

    @action(description=_("꼭 지켜야 할 답으로 정하기"), permissions=["change"])
    def mark_as_canary(self, request: HttpRequest, queryset: QuerySet[Chat]) -> None:
        """Let no model go live that answers the chosen rows otherwise."""
        unapproved = queryset.order_by().exclude(verify=Chat.Verify.APPROVED).count()
        count = services.set_canary(chats=queryset, canary=True, reviewer=request.user)
        self._tell(
            request,
            ngettext("대화 %d개를 꼭 지켜야 할 답으로 정했어요.", "대화 %d개를 꼭 지켜야 할 답으로 정했어요.", count)
            % count,
        )
        if unapproved:
            text = ngettext(
                "그중 %d개는 검토완료가 아니어서 아직 지키지 않아요.",
                "그중 %d개는 검토완료가 아니어서 아직 지키지 않아요.",
                unapproved,
            )
            self.message_user(request, text % unapproved, messages.WARNING)

    @action(description=_("꼭 지켜야 할 답에서 빼기"), permissions=["change"])
    def unmark_as_canary(self, request: HttpRequest, queryset: QuerySet[Chat]) -> None:
        """Let models answer the chosen rows otherwise again."""
        count = services.set_canary(chats=queryset, canary=False, reviewer=request.user)
        self._tell(
            request,
            ngettext("대화 %d개를 꼭 지켜야 할 답에서 뺐어요.", "대화 %d개를 꼭 지켜야 할 답에서 뺐어요.", count)
            % count,
        )

    def _tell(self, request: HttpRequest, text: str) -> None:
        self.message_user(request, text, messages.SUCCESS)

    # --- Import and export ----------------------------------------------------------------------------------

    def has_import_permission(self, request: HttpRequest) -> bool:
        """An import adds rows and changes reviews, and it approves."""
        may_change = self.has_add_permission(request) and self.has_change_permission(request)
        return may_change and may_approve_alone(request.user)

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show what an import would do, in its readers' words."""
        response = super().import_action(request, **kwargs)
        if isinstance(response, TemplateResponse) and (result := response.context_data.get("result")):
            name_columns(result)
        return response

    def get_export_queryset(self, request: HttpRequest) -> QuerySet[Chat]:
        """Return the rows of the list as filtered, with what the table names beside them."""
        return super().get_export_queryset(request).select_related("category", "reviewer")


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    """Categories and how many chats each holds. Deleting one keeps its chats."""

    list_display = ("name", "chat_count")
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        """Count the chats of each category in the same query."""
        return super().get_queryset(request).annotate(chat_count=Count("chats"))

    @display(description=_("대화 수"), ordering="chat_count")
    def chat_count(self, category: Category) -> int:
        """Show how many chats the category holds."""
        return category.chat_count
