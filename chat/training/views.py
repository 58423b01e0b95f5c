"""The page of the trainings: what is under way, the buttons, and the history. Changes go through services."""

from django.conf import settings
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chat.training import locks, selectors, services
from chat.training.description import describe
from chat.training.locks import Purpose
from chat.training.run import TrainingRun
from chat.training.schedule import Schedule
from chat.versions.views import admin_page

VIEW, START, PUBLISH = "chat.view_trainingrun", "chat.start_training", "chat.publish_model"

RUNS_A_PAGE = 20


def may_view_trainings(request: HttpRequest) -> bool:
    """Tell whether the sidebar shows the trainings."""
    return request.user.has_perm(VIEW)


@admin_page(VIEW)
@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show what is under way and what was."""
    page = Paginator(selectors.history(), RUNS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        **admin.site.each_context(request),
        **_state(),
        "title": _("학습"),
        "page": page,
        "past": [describe(run) for run in page],
        "may_start": request.user.has_perm(START),
        "may_force": request.user.has_perm(PUBLISH),
        "schedule": Schedule.from_settings(),
        "is_fullwidth": "1",
    }
    return TemplateResponse(request, "admin/chat/training/index.html", context)


@admin_page(VIEW)
@never_cache
@require_safe
def state(request: HttpRequest) -> JsonResponse:
    """Return the part of the page that moves, and a key that changes when the whole page is to be loaded again."""
    context = _state()
    html = render_to_string("admin/chat/training/state.html", context, request)
    return JsonResponse({"key": context["key"], "html": html})


@admin_page(START)
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Ask for a training. Publishing below the bars is for those who may publish."""
    services.request_training(
        reason=TrainingRun.Reason.BUTTON,
        requested_by=request.user,
        from_scratch="from_scratch" in request.POST,
        force="force" in request.POST and request.user.has_perm(PUBLISH),
    )
    messages.success(request, _("학습을 맡겼어요."))
    return redirect("training:index")


@admin_page(START)
@require_POST
def cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    """Cancel a training that waits or runs; of one that runs the page itself says how far that is."""
    if services.request_cancel(run_id=run_id):
        if not TrainingRun.objects.running().filter(pk=run_id).exists():
            messages.success(request, _("취소했어요. 지금 답하는 모델은 그대로예요."))
    else:
        messages.info(request, _("그 학습은 이미 끝났어요."))
    return redirect("training:index")


def _state() -> dict[str, object]:
    """What is under way, in words; and whether anybody is there to do it."""
    runs = [describe(run) for run in selectors.unfinished()]
    is_running = any(run.run.status == TrainingRun.Status.RUNNING for run in runs)
    has_trainer = is_running or not locks.is_free(settings.DATA_DIR, Purpose.TRAINER)
    return {
        "under_way": runs,
        "has_trainer": has_trainer,
        "key": " ".join([run.key for run in runs] + [str(has_trainer)]),
    }
