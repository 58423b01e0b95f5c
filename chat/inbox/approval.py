"""Where two people have to agree on an answer (SECOND_APPROVAL), the rest of the admin is no way round it.

In the inbox a second reviewer approves. On the page of one chat, in the list and by an import only those do who may
publish a model.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from chat.inbox.reviewed import conflicts
from chat.models import Chat

_MOST_TOLD = 3  # answers, and rows of each
_TAUGHT = {"question", "answer", "correction", "verify"}


def may_approve_alone(user: AbstractBaseUser) -> bool:
    """Whether what a user approves outside the inbox is approved."""
    return not settings.SECOND_APPROVAL or user.has_perm("chat.publish_model")


class ApprovalForm(forms.ModelForm):
    """A form of a chat that approves for those alone who may."""

    may_approve = True

    def clean(self) -> dict[str, Any]:
        """Refuse an approval, and a change of what is approved; and to approve that nothing was known."""
        cleaned = super().clean() or self.cleaned_data
        holds_none = self.instance.source == Chat.Source.FALLBACK and not cleaned.get("correction")
        if cleaned.get("verify") == Chat.Verify.APPROVED and holds_none:
            self.add_error("correction", _("모른다고 한 말은 승인할 수 없어요. 알맞은 답을 적어 주세요."))
        approves = cleaned.get("verify") == Chat.Verify.APPROVED and _TAUGHT & set(self.changed_data)
        if approves and not self.may_approve:
            self.add_error("verify", _("답을 승인하려면 두 사람이 봐야 해요. 검토함에서 승인해 주세요."))
        return cleaned


class ApprovalAdmin:
    """The part of the chats' admin that approves; comes before Django's own admin among the bases."""

    def get_form(self, request: HttpRequest, obj: Chat | None = None, **kwargs: Any) -> type[forms.ModelForm]:
        """Return the form, which knows whether the user may approve."""
        form = super().get_form(request, obj, **kwargs)
        form.may_approve = may_approve_alone(request.user)
        return form

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer no approval of many rows to those who may not."""
        actions = super().get_actions(request)
        if not may_approve_alone(request.user):
            actions.pop("approve", None)
        return actions

    def tell_contradictions(self, request: HttpRequest, chat: Chat) -> None:
        """Say which other answers are approved for the same or nearly the same question, with a way to them."""
        if chat.verify != Chat.Verify.APPROVED:
            return
        for conflict in conflicts(chat, chat.correction or chat.answer)[:_MOST_TOLD]:
            addresses = [(reverse("admin:chat_chat_change", args=[one.chat.pk]), one.chat) for one in conflict.rows]
            links = format_html_join(", ", '<a class="underline" href="{}">{}</a>', addresses[:_MOST_TOLD])
            text = _("비슷한 질문에 다른 답도 승인되어 있어요: “%(answer)s”") % {"answer": conflict.answer}
            self.message_user(request, format_html("{} – {}", text, links), messages.WARNING)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str]:
        """A pair that somebody writes waits, where they may not approve it."""
        waiting = {} if may_approve_alone(request.user) else {"verify": Chat.Verify.PENDING.value}
        return super().get_changeform_initial_data(request) | waiting
