"""The pages themselves: they check who asks, call one or two functions, and fill a template."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from time import monotonic
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from chat.frames import MAX_MESSAGE_LENGTH
from chat.versions import asking, drawings, gates, receipts, selectors, validations
from chat.versions.comparison import LISTS, compare_versions
from chat.versions.records import Version
from chat.versions.selectors import Shelf
from chat.versions.sentences import beginning
from core.registry import RegistryError

VIEW, PUBLISH = "chat.view_chat", "chat.publish_model"

VERSIONS_A_PAGE = 20
ROWS_A_PAGE = 50
PUBLICATIONS_SHOWN = 20
ANSWER_SECONDS = 4.0  # a request may wait so long; a model that takes longer to load is asked again
ASK_SECONDS = 25.0  # all versions together, for browsers without scripts

View = Callable[..., HttpResponse]


def may_view_versions(request: HttpRequest) -> bool:
    """Tell whether the sidebar shows the versions."""
    return request.user.has_perm(VIEW)


def admin_page(permission: str) -> Callable[[View], View]:
    """Let a view be a page of the admin, for those with a permission."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return admin.site.admin_view(checked)

    return decorate


def _page(request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
    shared = {"may_publish": request.user.has_perm(PUBLISH), "serving": selectors.serving(), "is_fullwidth": "1"}
    everything = {**admin.site.each_context(request), "title": title, **shared, **context}
    return TemplateResponse(request, f"admin/chat/versions/{template}.html", everything)


def _version(shelf: Shelf, name: str) -> Version:
    version = shelf.find(name)
    if version is None:
        raise Http404(f"no model version {name}")
    return version


def _rows_of(request: HttpRequest, rows: Sequence[Any], size: int = ROWS_A_PAGE) -> Page:
    return Paginator(rows, size).get_page(request.GET.get("page"))


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the tabs or filters above a list: what the address says, what people read, and how many there are."""

    value: str
    label: str
    count: int
    chosen: bool


def _chosen(request: HttpRequest, name: str, values: Iterable[str], otherwise: str) -> str:
    """Return a query parameter, if it is one of its values."""
    value = request.GET.get(name, "")
    return value if value in values else otherwise


# --- Looking ----------------------------------------------------------------------------------------------------


@admin_page(VIEW)
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the versions, newest first, with what people may do with them."""
    shelf = selectors.shelf()
    return _page(
        request,
        "index",
        pgettext("plural", "모델"),
        shelf=shelf,
        page=_rows_of(request, shelf.versions, VERSIONS_A_PAGE),
        plot=drawings.scores_plot(shelf.versions),
    )


@admin_page(VIEW)
@require_safe
def detail(request: HttpRequest, name: str) -> HttpResponse:
    """Show one version: scores, gate, curves, data validation, how it was made, and when it was live."""
    shelf = selectors.shelf()
    version = _version(shelf, name)
    try:
        counts, missing = receipts.receipt(version).counts(), ""
    except receipts.ReceiptError as error:
        counts, missing = {}, str(error)
    found = validations.validation(version)
    return _page(
        request,
        "detail",
        version.label,
        version=version,
        parent=shelf.find(version.parent) if version.parent else None,
        shelf=shelf,
        problem=selectors.problem_text(version),
        gate=gates.gate(version),
        beginning=beginning(version),
        plots=drawings.curve_plots(version),
        validation=found,
        stored=selectors.stored_rows(found.rows()) if found else set(),
        publications=[one for one in reversed(shelf.publications) if one.run == name][:PUBLICATIONS_SHOWN],
        receipt_counts=counts,
        receipt_missing=missing,
    )


@admin_page(VIEW)
@require_safe
def receipt(request: HttpRequest, name: str) -> HttpResponse:
    """List what a version learned, what it changed and what it had to hold, a page at a time."""
    version = _version(selectors.shelf(), name)
    try:
        found = receipts.receipt(version)
    except receipts.ReceiptError as error:
        return _page(request, "receipt", _("배운 기록"), version=version, missing=str(error))
    kind, outcome, words = _receipt_filter(request)
    counts = found.counts()
    page = _rows_of(request, found.chosen(kind, outcome=outcome, words=words))
    kinds, outcomes = receipts.kind_names(), receipts.outcome_names()
    return _page(
        request,
        "receipt",
        _("배운 기록"),
        version=version,
        receipt=found,
        page=page,
        kind=kind,
        outcome=outcome,
        words=words,
        kinds=[Choice(one, kinds[one], sum(counts[one].values()), one == kind) for one in receipts.KINDS],
        outcomes=[Choice(one, outcomes[one], count, one == outcome) for one, count in counts[kind].items()],
        outcome_names=outcomes,
        stored=selectors.stored_rows(receipts.linked_rows(page.object_list)),
    )


@admin_page(VIEW)
@require_safe
def receipt_csv(request: HttpRequest, name: str) -> StreamingHttpResponse:
    """Hand over a receipt as CSV: one list as it is filtered, or all of them."""
    version = _version(selectors.shelf(), name)
    try:
        found = receipts.receipt(version)
    except receipts.ReceiptError as error:
        raise Http404(str(error)) from error
    if "list" in request.GET:
        kind, outcome, words = _receipt_filter(request)
        rows = found.chosen(kind, outcome=outcome, words=words)
    else:
        rows = [row for kind in receipts.KINDS for row in found.rows[kind]]
    # Made before the first line goes out, while this request's language holds.
    return StreamingHttpResponse(
        list(receipts.csv_lines(rows)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="receipt-{version.name}.csv"'},
    )


def _receipt_filter(request: HttpRequest) -> tuple[str, str, str]:
    kind = _chosen(request, "list", receipts.KINDS, receipts.KINDS[0])
    outcome = _chosen(request, "outcome", receipts.OUTCOMES[kind], "")
    return kind, outcome, request.GET.get("q", "")


@admin_page(VIEW)
@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Show what differs between two versions; without a choice, between the live one and its parent."""
    shelf = selectors.shelf()
    names = [version.name for version in shelf.whole]
    after = _chosen(request, "after", names, shelf.live.name if shelf.live else "")
    newest = shelf.find(after) or next(iter(shelf.whole), None)
    before = shelf.find(_chosen(request, "before", names, (newest.parent if newest else None) or ""))
    context: dict[str, Any] = {"shelf": shelf, "before": before, "after": newest}
    if before and newest and before.run and newest.run:
        comparison = compare_versions(before, newest)
        kind = _chosen(request, "list", LISTS, LISTS[0])
        verdict = _chosen(request, "outcome", receipts.OUTCOMES["changed"], "")
        context |= {
            "comparison": comparison,
            "kind": kind,
            "outcome": verdict,
            "page": _rows_of(request, comparison.chosen(kind, verdict)),
            "kinds": [Choice(one, label, count, one == kind) for one, label, count in comparison.lists()],
            "outcomes": [
                Choice(one, receipts.outcome_names()[one], count, one == verdict)
                for one, count in comparison.verdicts().items()
            ],
            "outcome_names": receipts.outcome_names(),
            "plots": drawings.compared_curve_plots([before, newest]),
        }
    return _page(request, "compare", _("버전 비교"), **context)


# --- Asking -----------------------------------------------------------------------------------------------------


@admin_page(VIEW)
@require_safe
def ask(request: HttpRequest) -> HttpResponse:
    """Show what each version answers to one question. A script asks them one by one; ``here=1`` does it without."""
    page = _rows_of(request, selectors.shelf().versions, VERSIONS_A_PAGE)
    question = request.GET.get("q", "").strip()[:MAX_MESSAGE_LENGTH]
    answers = _answers(page.object_list, question) if question and request.GET.get("here") else {}
    return _page(
        request,
        "ask",
        _("나란히 물어보기"),
        page=page,
        question=question,
        rows=[(version, answers.get(version.name), selectors.problem_text(version)) for version in page.object_list],
        asked_here=bool(answers),
        max_length=MAX_MESSAGE_LENGTH,
    )


def _answers(versions: Iterable[Version], question: str) -> dict[str, asking.Outcome]:
    """Ask version after version until the time is over; those after that are not asked."""
    end = monotonic() + ASK_SECONDS
    return {
        version.name: asking.ask(version.name, question, timeout=max(0.0, end - monotonic()))
        for version in versions
        if version.run
    }


@admin_page(VIEW)
@require_safe
def answer(request: HttpRequest) -> JsonResponse:
    """Hand over what one version answers, or why it does not."""
    version = _version(selectors.shelf(), request.GET.get("version", ""))
    question = request.GET.get("q", "").strip()
    if not question or len(question) > MAX_MESSAGE_LENGTH:
        return JsonResponse({"problem": _("질문이 비었거나 너무 길어요."), "detail": "", "again": False}, status=400)
    outcome = asking.ask(version.name, question, timeout=ANSWER_SECONDS)
    if outcome.reply is None:
        return JsonResponse({"problem": outcome.problem, "detail": outcome.detail, "again": outcome.again})
    return JsonResponse(
        {"text": outcome.reply.text, "source": outcome.reply.source, "score": round(outcome.reply.score, 4)}
    )


# --- Making live ------------------------------------------------------------------------------------------------


@admin_page(PUBLISH)
@require_POST
def publish(request: HttpRequest, name: str) -> HttpResponse:
    """Make a version live. One that the gate rejected is asked about first."""
    version = _version(selectors.shelf(), name)
    force = request.POST.get("force") == "1"
    if version.run is None:
        messages.error(request, selectors.problem_text(version))
        return redirect("versions:detail", name)
    if version.rejected and not force:
        return _page(request, "confirm", _("기준에 못 미친 버전 내보내기"), version=version, gate=gates.gate(version))
    try:
        selectors.registry().publish(version.run, by=request.user.get_username(), force=force)
    except RegistryError as error:
        messages.error(request, _("내보내지 못했어요. 지금 답하던 모델이 그대로 답해요. (%s)") % error)
        return redirect("versions:detail", name)
    return _published(request, version)


@admin_page(PUBLISH)
@require_POST
def rollback(request: HttpRequest) -> HttpResponse:
    """Make the version live again that the button names, if that still is the one that answered before."""
    to = request.POST.get("to", "")
    target = selectors.shelf().rollback_target
    if to and target and target.name != to:
        messages.error(request, _("그사이에 답하는 모델이 바뀌어서 되돌리지 않았어요. 다시 살펴보고 눌러 주세요."))
        return redirect("versions:index")
    try:
        run = selectors.registry().rollback(by=request.user.get_username(), to=to)
    except RegistryError as error:
        messages.error(request, _("되돌리지 못했어요. 아래에서 다른 버전을 골라 내보내세요. (%s)") % error)
        return redirect("versions:index")
    return _published(request, Version(run.name, run=run))


def _published(request: HttpRequest, version: Version) -> HttpResponseRedirect:
    messages.success(request, _("이제 %s 버전이 답해요.") % version.label)
    return redirect("versions:index")
