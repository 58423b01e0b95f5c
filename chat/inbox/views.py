"""The page of the inbox: one row after another, by forms that work without scripts and answer scripts in JSON."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chat.inbox import cards, claims, queue, services
from chat.inbox.cards import Card
from chat.inbox.errors import InboxError
from chat.inbox.models import Decision
from chat.inbox.queue import Filters, Show
from chat.inbox.reviewed import Conflict, approved_with, conflicts
from chat.inbox.services import Kind
from chat.models import Chat
from chat.versions.views import admin_page
from core.text import normalise

REVIEW, HISTORY, DROP = "chat.change_chat", "chat.view_decision", "chat.drop_visitor"

DECISIONS_A_PAGE = 50
_PASSED = "inbox_passed"  # in the session: rows that the reviewer passed over
_MOST_PASSED = 500


def may_review(request: HttpRequest) -> bool:
    """Tell whether the sidebar shows the inbox."""
    return request.user.has_perm(REVIEW)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows beside the card: words for the reviewer, what they wrote, answers that contradict it."""

    text: str = ""
    level: int = messages.INFO
    draft: str | None = None
    chosen: Sequence[int] | None = None
    conflicts: Sequence[Conflict] = ()
    kind: Kind = Kind.CORRECT

    @property
    def name(self) -> str:
        """What a stylesheet calls the level."""
        return messages.DEFAULT_TAGS[self.level]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a form asks for.

    ``answer`` is empty unless it is to be the right one; ``written`` is what stands in the box in any case.
    ``resolve`` is the choice where the answer contradicts others: keep, replace, or adopt:<row>.
    """

    kind: Kind
    answer: str
    written: str
    others: list[int]
    resolve: str

    @classmethod
    def from_form(cls, form: QueryDict) -> "Wanted":
        """Read a form. An answer that was chosen with one key is a correction; so is what says nothing else."""
        written, kind = form.get("answer", ""), form.get("kind", "")
        if "choice" in form:
            kind, written = Kind.CORRECT, form["choice"]
        kind = Kind(kind) if kind in Kind.values else Kind.CORRECT
        return cls(
            kind=kind,
            answer=written if kind == Kind.CORRECT else "",
            written=written,
            others=_numbers(form.getlist("rows")),
            resolve=form.get("resolve", ""),
        )


def _numbers(texts: Sequence[str]) -> list[int]:
    return [int(text) for text in texts if text.isdecimal() and len(text) < 19]


# --- Looking ----------------------------------------------------------------------------------------------------


@admin_page(REVIEW)
@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show the row that is next."""
    return _answer(request, _next(request), Shown())


@admin_page(REVIEW)
@never_cache
@require_safe
def show(request: HttpRequest, row: int) -> HttpResponse:
    """Show a certain row: in the inbox while it is undecided, else where every row is."""
    card = cards.card_of(user=request.user, row=row)
    if card is not None:
        return _answer(request, card, Shown())
    if queue.undecided().filter(pk=row).exists() or _is_script(request):
        return _answer(request, _next(request), Shown(_("다른 검토자가 보고 있거나 이미 정한 질문이에요.")))
    return redirect("admin:chat_chat_change", row)


@admin_page(HISTORY)
@never_cache
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """List who decided what."""
    decisions = Decision.objects.select_related("chat", "user")
    if request.GET.get("by") == "me":
        decisions = decisions.filter(user=request.user)
    kind = request.GET.get("kind", "")
    if kind in Kind.values:
        decisions = decisions.filter(kind=kind)
    context = {
        **admin.site.each_context(request),
        "title": _("결정 기록"),
        "page": Paginator(decisions, DECISIONS_A_PAGE).get_page(request.GET.get("page")),
        "undoable": services.undoable(user=request.user),
        "kinds": [("", _("모두")), *Kind.choices],
        "kind": kind,
        "mine": request.GET.get("by") == "me",
        "may_review": request.user.has_perm(REVIEW),
        "is_fullwidth": "1",
    }
    return TemplateResponse(request, "admin/chat/inbox/history.html", context)


# --- Deciding ---------------------------------------------------------------------------------------------------


@admin_page(REVIEW)
@require_POST
def decide(request: HttpRequest, row: int) -> HttpResponse:
    """Decide on a row and on the chosen ones like it, and go on to the next.

    An answer that contradicts what was approved before is asked about first, once.
    """
    wanted = Wanted.from_form(request.POST)
    chat = Chat.objects.with_best_answer().filter(pk=row).first()
    try:
        found = _contradicted(chat, wanted)
        if found and not wanted.resolve and (card := cards.card_of(user=request.user, row=row)):
            return _answer(request, card, _question(wanted, found))
        decided = _decide(request, row, wanted, found)
    except InboxError as error:
        card = cards.card_of(user=request.user, row=row)
        return _answer(request, card or _next(request), _refusal(error, wanted))
    return _answer(request, _next(request), _told(wanted.kind, decided))


def _contradicted(chat: Chat | None, wanted: Wanted) -> list[Conflict]:
    """Return what was approved before and is contradicted by what is wanted."""
    if chat is None or wanted.kind == Kind.SKIP:
        return []
    if wanted.kind == Kind.REJECT:
        return approved_with([chat, *Chat.objects.filter(pk__in=wanted.others)])
    if wanted.kind == Kind.APPROVE and normalise(wanted.written) not in ("", normalise(chat.best_answer)):
        raise InboxError(_("적어 둔 답이 있어요. 저장하려면 ‘고친 답 저장’을, 버리려면 칸을 비우고 승인해 주세요."))
    return conflicts(chat, wanted.answer or chat.best_answer, others=wanted.others)


def _decide(request: HttpRequest, row: int, wanted: Wanted, found: Sequence[Conflict]) -> services.Decided:
    kind, answer = wanted.kind, wanted.answer
    if wanted.resolve.startswith("adopt:"):
        kind, answer = Kind.CORRECT, _adopted(found, wanted.resolve)
    replaced = [one.chat.pk for conflict in found for one in conflict.rows] if wanted.resolve == "replace" else []
    return services.decide(
        user=request.user, kind=kind, row=row, others=wanted.others, answer=answer, replaced=replaced
    )


@admin_page(REVIEW)
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take back the reviewer's last decision, or the one that is named, and show its row again."""
    batch = request.POST.get("batch")
    try:
        undone = services.undo(user=request.user, batch=_uuid(batch) if batch else None)
    except InboxError as error:
        return _answer(request, _next(request), Shown(str(error), messages.WARNING))
    parts = [_("되돌렸어요: %s") % undone.kind.label]
    if (count := len(undone.rows)) > 1:
        parts.append(
            ngettext("대화 %d개를 이전 상태로 되돌렸어요.", "대화 %d개를 이전 상태로 되돌렸어요.", count) % count
        )
    if undone.changed:
        more = ngettext(
            "그 뒤에 바뀐 대화 %d개는 그대로 뒀어요.", "그 뒤에 바뀐 대화 %d개는 그대로 뒀어요.", undone.changed
        )
        parts.append(more % undone.changed)
    text = " · ".join(parts)
    if batch:
        messages.success(request, text)
        return redirect("inbox:history")
    card = cards.card_of(user=request.user, row=undone.rows[0]) if undone.rows else None
    return _answer(request, card or _next(request), Shown(text, messages.SUCCESS))


@admin_page(REVIEW)
@require_POST
def pass_over(request: HttpRequest, row: int) -> HttpResponse:
    """Leave a row, and those like it, for later or for somebody else, and go on to the next."""
    left = [row, *_numbers(request.POST.getlist("group"))]
    request.session[_PASSED] = [*request.session.get(_PASSED, []), *left][-_MOST_PASSED:]
    return _answer(request, _next(request), Shown(_("나중에 다시 볼게요.")))


@admin_page(REVIEW)
@require_POST
def renew(request: HttpRequest) -> JsonResponse:
    """Keep what the reviewer has before them, as they are still there."""
    claims.renew(user=request.user)
    return JsonResponse({"until": _until(request)})


@admin_page(REVIEW)
@require_POST
def release(request: HttpRequest) -> HttpResponse:
    """Give back what the reviewer had before them when they went away, not what another page has claimed since."""
    try:
        until = datetime.fromisoformat(request.POST.get("until", ""))
    except ValueError:
        return HttpResponse(status=400)
    claims.release(user=request.user, until=until)
    return HttpResponse(status=204)


def _adopted(found: Sequence[Conflict], resolve: str) -> str:
    row = resolve.removeprefix("adopt:")
    for conflict in found:
        if any(str(one.chat.pk) == row for one in conflict.rows):
            return conflict.answer
    raise InboxError(_("그 답은 그새 바뀌었어요. 다시 골라 주세요."))


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise InboxError(_("그런 결정은 없어요.")) from error


# --- Words ------------------------------------------------------------------------------------------------------


def _told(kind: Kind, decided: services.Decided) -> Shown:
    said = {
        Kind.APPROVE: _("승인했어요."),
        Kind.CORRECT: _("고친 답을 저장했어요."),
        Kind.REJECT: _("삭제필요로 바꿨어요."),
        Kind.SKIP: _("건너뛰었어요. 이 질문은 다시 나오지 않아요."),
    }
    words = [said[kind]]
    if decided.rows > 1:
        words.append(
            ngettext("대화 %d개를 한꺼번에 정했어요.", "대화 %d개를 한꺼번에 정했어요.", decided.rows) % decided.rows
        )
    if decided.proposed == decided.rows:
        words.append(_("다른 검토자가 한 번 더 보면 배워요."))
    elif decided.proposed:
        words.append(
            ngettext(
                "그중 %d개는 다른 검토자가 한 번 더 보면 배워요.",
                "그중 %d개는 다른 검토자가 한 번 더 보면 배워요.",
                decided.proposed,
            )
            % decided.proposed
        )
    if decided.missed:
        words.append(
            ngettext("%d개는 다른 검토자가 먼저 맡았어요.", "%d개는 다른 검토자가 먼저 맡았어요.", decided.missed)
            % decided.missed
        )
    return Shown(" ".join(words), messages.SUCCESS)


def _refusal(error: InboxError, wanted: Wanted) -> Shown:
    return Shown(str(error), messages.WARNING, draft=wanted.written or None, chosen=wanted.others)


def _question(wanted: Wanted, found: Sequence[Conflict]) -> Shown:
    text = _("비슷한 질문에 이미 다른 답을 승인했어요. 어느 답을 쓸지 골라 주세요.")
    if wanted.kind == Kind.REJECT:
        text = _("전에 승인한 답이에요. 그 대화도 함께 삭제필요로 바꿀지 확인해 주세요.")
    draft = wanted.written or None
    return Shown(text, messages.WARNING, draft=draft, chosen=wanted.others, conflicts=found, kind=wanted.kind)


# --- The page ---------------------------------------------------------------------------------------------------


def _filters(request: HttpRequest) -> Filters:
    """Return what the address asks for; a form's address holds it too."""
    wanted = request.GET.get("show", "")
    return Filters(
        show=wanted if wanted in Show.values else Show.ALL,
        visitor=next(iter(_numbers([request.GET.get("visitor", "")])), 0),
        words=request.GET.get("q", "").strip()[:200],
    )


def _address(request: HttpRequest) -> str:
    query = QueryDict(mutable=True)
    query.update(_filters(request).as_query())
    return reverse("inbox:index") + (f"?{query.urlencode()}" if query else "")


def _next(request: HttpRequest) -> Card | None:
    """Return the next card; those passed over come again when nothing else is left."""
    passed = request.session.get(_PASSED, [])
    card = cards.next_card(user=request.user, filters=_filters(request), passed=passed)
    if card is None and passed:
        del request.session[_PASSED]
        card = cards.next_card(user=request.user, filters=_filters(request))
    return card


def _until(request: HttpRequest) -> str:
    """When what the reviewer has before them runs out, as the script keeps it."""
    end = claims.end_of(user=request.user)
    return end.isoformat() if end else ""


def _is_script(request: HttpRequest) -> bool:
    """Whether the page's script asks, which wants the part of the page that changes."""
    return request.headers.get("Accept") == "application/json"


def _context(request: HttpRequest, card: Card | None, shown: Shown) -> dict[str, Any]:
    filters = _filters(request)
    return {
        "card": card,
        "shown": shown,
        "draft": shown.draft if shown.draft is not None else card.draft if card else "",
        "chosen": shown.chosen if shown.chosen is not None else card.rows[1:] if card else [],
        "progress": queue.progress(user=request.user),
        "filters": filters,
        "query": filters.as_query(),
        "shows": [one for one in Show if one != Show.SECOND or settings.SECOND_APPROVAL],
        "may_undo": bool(services.undoable(user=request.user)),
        "may_see_history": request.user.has_perm(HISTORY),
        "may_drop": request.user.has_perm(DROP),
        "until": _until(request),
    }


def _answer(request: HttpRequest, card: Card | None, shown: Shown) -> HttpResponse:
    """Show a card: its part of the page to a script, the whole page to a browser without."""
    context = _context(request, card, shown)
    if _is_script(request):
        return JsonResponse(
            {
                "html": render_to_string("admin/chat/inbox/card.html", context, request),
                "text": shown.text,
                "level": shown.name,
                "until": context["until"],
                "address": _address(request),
            }
        )
    if request.method == "POST" and not shown.conflicts and shown.draft is None:
        if shown.text:
            messages.add_message(request, shown.level, shown.text)
        return redirect(_address(request))
    page = {**admin.site.each_context(request), **context, "title": _("검토함"), "is_fullwidth": "1"}
    return TemplateResponse(request, "admin/chat/inbox/index.html", page)
