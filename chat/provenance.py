"""Where an answer comes from, as reviewers see it in the admin. Visitors are told nothing of this."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.admin import display
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chat.models import Chat, Feedback, Visitor
from core.registry import Registry, RegistryError

_LINK = '<a class="underline" href="{}">{}</a>'


class Provenance:
    """Columns of a chat's page: what was near, what else could have been said, by which model, and to whom."""

    @display(description=_("가까운 대화"))
    def nearest_rows(self, chat: Chat) -> SafeString | None:
        """List the reviewed rows nearest to the question, with a way to those that are still there."""
        rows = [near["row"] for near in chat.nearest]
        stored = set(Chat.objects.filter(pk__in=rows).values_list("pk", flat=True))
        return _lines(
            (f"{near['similarity']:.0%}", _row(near["row"], near["row"] in stored), near["question"], near["answer"])
            for near in chat.nearest
        )

    @display(description=_("다른 후보"))
    def other_candidates(self, chat: Chat) -> SafeString | None:
        """List what could have been answered, best first."""
        return _lines(
            (f"{one['score']:.0%}", Chat.Source(one["source"]).label, one["text"], "") for one in chat.candidates
        )

    @display(description=_("모델"))
    def model_link(self, chat: Chat) -> SafeString | str | None:
        """Show the model that answered, with a way to its page while it is kept."""
        name = chat.model_version
        try:
            Registry(settings.DATA_DIR).get(name)
        except RegistryError:
            return name or None
        return format_html(_LINK, reverse("versions:detail", args=[name]), name)

    @display(description=_("방문자"))
    def visitor_link(self, chat: Chat) -> SafeString | None:
        """Show who asked, with a way to what else they said."""
        visitor = Visitor.objects.filter(key=chat.session).first() if chat.session else None
        if visitor is None:
            return None
        address = reverse("admin:chat_visitor_change", args=[visitor.pk])
        return format_html(_LINK, address, f"{visitor} ({_('뺌')})" if visitor.is_dropped else visitor)

    @display(description=_("방문자의 의견"))
    def visitor_said(self, chat: Chat) -> SafeString | None:
        """Show what the visitor said of the answer."""
        feedback = Feedback.objects.filter(chat=chat).first()
        if feedback is None:
            return None
        return _lines([(feedback.signs, _("제안한 답") if feedback.suggestion else "", feedback.suggestion, "")])


def _row(number: int, is_stored: bool) -> SafeString:
    if not is_stored:
        return format_html("#{}", number)
    return format_html(_LINK, reverse("admin:chat_chat_change", args=[number]), f"#{number}")


def _lines(rows: Iterable[tuple[Any, ...]]) -> SafeString | None:
    """One line for each row, None for none; the last of its four parts is set apart as an answer."""
    shown = [(*first, format_html(" → {}", last) if last else "") for *first, last in rows]
    if not shown:
        return None
    lines = format_html_join("", '<li>{} <span class="font-semibold">{}</span> {}{}</li>', shown)
    return format_html('<ol class="flex flex-col gap-1">{}</ol>', lines)
