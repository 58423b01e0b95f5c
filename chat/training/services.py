"""Writes to the trainings: asked for, begun, watched, ended. Whoever works on one holds the lock of trainings.

Each function is one transaction. A training ends once: an end that comes too late changes nothing.
"""

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import asdict
from errno import EDQUOT, ENOSPC
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import Error as DatabaseError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from chat.training.run import TrainingRun
from core.corpus import CorpusError
from core.evolve import EvolveError, Progress, RunSummary
from core.evolve.gate import GateResult
from core.registry import Registry, RegistryError, Run

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 3  # a training that kills its process three times over will do so again
_LONGEST_ERROR = 4000  # characters

# --- Asking -------------------------------------------------------------------------------------------------


@transaction.atomic
def request_training(
    *,
    reason: TrainingRun.Reason,
    requested_by: AbstractBaseUser | None = None,
    from_scratch: bool = False,
    force: bool = False,
) -> TrainingRun:
    """Ask for a training, and return the one that now waits: an earlier order when there is one already."""
    return _enqueue(TrainingRun(reason=reason, requested_by=requested_by, from_scratch=from_scratch, force=force))


def _enqueue(run: TrainingRun) -> TrainingRun:
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError:
        waiting = TrainingRun.objects.queued().first()
        if waiting is None:
            raise
        return waiting
    return run


@transaction.atomic
def request_cancel(*, run_id: int) -> bool:
    """Cancel a training: at once while it waits, within seconds once it runs. Tell whether there was one."""
    now = timezone.now()
    waiting = TrainingRun.objects.queued().filter(pk=run_id)
    if waiting.update(status=TrainingRun.Status.CANCELLED, cancel_requested=True, finished_at=now):
        return True
    return bool(TrainingRun.objects.running().filter(pk=run_id).update(cancel_requested=True))


# --- Working ------------------------------------------------------------------------------------------------


@transaction.atomic
def start(*, run_id: int) -> TrainingRun | None:
    """Begin with a training that waits, and return it; None when it was cancelled meanwhile."""
    now = timezone.now()
    waiting = TrainingRun.objects.queued().filter(pk=run_id)
    if not waiting.update(status=TrainingRun.Status.RUNNING, started_at=now, heartbeat_at=now):
        return None
    return TrainingRun.objects.get(pk=run_id)


@transaction.atomic
def start_command(*, from_scratch: bool = False, force: bool = False) -> TrainingRun:
    """Record a training that somebody has begun on the command line."""
    now = timezone.now()
    return TrainingRun.objects.create(
        status=TrainingRun.Status.RUNNING,
        reason=TrainingRun.Reason.COMMAND,
        from_scratch=from_scratch,
        force=force,
        started_at=now,
        heartbeat_at=now,
    )


@transaction.atomic
def beat(*, run_id: int, progress: Progress | None) -> bool:
    """Store a sign of life and how far the training is; tell whether it shall go on."""
    fields: dict[str, Any] = {"heartbeat_at": timezone.now()}
    if progress is not None:
        fields["progress"] = asdict(progress)
    running = TrainingRun.objects.running().filter(pk=run_id)
    return bool(running.update(**fields)) and not running.filter(cancel_requested=True).exists()


# --- Ending -------------------------------------------------------------------------------------------------


def finish(*, run_id: int, summary: RunSummary) -> None:
    """End a training that came to a version, which the gate let through or not."""
    rejected = summary.status == "rejected"
    _end(
        run_id,
        TrainingRun.Status.REJECTED if rejected else TrainingRun.Status.DONE,
        version=summary.run or "",
        published=summary.published,
        outcome={
            "learned": summary.learned,
            "reviewed": summary.reviewed,
            "warm": summary.warm,
            "resumed": summary.resumed,
            "why": summary.why,
            "leftovers": summary.leftovers,
            "bars": _missed(summary.gate),
            "overtaken": summary.status == "overtaken",
        },
    )


def _missed(gate: GateResult | None) -> list[dict[str, Any]]:
    """The bars that were missed, as `GateResult` writes them."""
    return [asdict(bar) for bar in gate.bars if not bar.passed] if gate else []


def fail(*, run_id: int, error: BaseException) -> None:
    """End a training that an error ended."""
    _end(run_id, TrainingRun.Status.FAILED, problem=problem_of(error), error=str(error)[:_LONGEST_ERROR])


def cancel(*, run_id: int) -> None:
    """End a training that somebody cancelled."""
    _end(run_id, TrainingRun.Status.CANCELLED)


@transaction.atomic
def interrupt(*, run_id: int, cause: str) -> TrainingRun | None:
    """End a training whose process was stopped or killed, and put it back into the queue; return the new order.

    None where nothing is tried again: after a training of the command line, one that was to be cancelled, and one
    that has taken its process with it too often.
    """
    run = TrainingRun.objects.running().filter(pk=run_id).first()
    if run is None:
        return None
    outcome: dict[str, Any] = {"cause": cause}
    # Ended before its successor is queued, for both happen or neither.
    _end(run_id, TrainingRun.Status.INTERRUPTED, outcome=outcome)
    if run.reason == TrainingRun.Reason.COMMAND or run.cancel_requested:
        return None
    if run.attempt >= MOST_ATTEMPTS:
        TrainingRun.objects.filter(pk=run_id).update(outcome=outcome | {"given_up": True})
        return None
    again = _enqueue(
        TrainingRun(
            reason=run.reason,
            requested_by=run.requested_by,
            from_scratch=run.from_scratch,
            force=run.force,
            attempt=run.attempt + (cause == "killed"),
        )
    )
    TrainingRun.objects.filter(pk=run_id).update(outcome=outcome | {"again": again.pk})
    return again


def settle(*, registry: Registry) -> list[TrainingRun]:
    """End what killed processes left as running; return these rows as they are now.

    For whoever holds the lock of trainings alone: nobody else can be working on a row then.
    """
    left = list(TrainingRun.objects.running())
    for run in left:
        if not _end_as_finished(run, registry):
            interrupt(run_id=run.pk, cause="killed")
        run.refresh_from_db()
    return left


def _end_as_finished(run: TrainingRun, registry: Registry) -> bool:
    """End a training that was killed when its version was finished already; tell whether that is so."""
    try:
        made = [version for version in registry.runs() if _is_made_by(version, run)]
        live = registry.current()
    except RegistryError as error:
        logger.warning("can't tell whether training %d had made a version: %s", run.pk, error)
        return False
    if not made:
        return False
    version = made[-1]
    gate: Mapping[str, Any] = version.manifest.to_dict().get("gate") or {}
    published = live is not None and live.name == version.name
    if not published and gate.get("passed", True):
        return False  # it was to be made live, and is not: do it again
    status = TrainingRun.Status.DONE if published else TrainingRun.Status.REJECTED
    outcome: dict[str, Any] = {"cause": "killed"}
    with contextlib.suppress(EvolveError):  # a manifest that holds no gate, or a damaged one
        outcome["bars"] = _missed(GateResult.from_dict(gate))
    _end(run.pk, status, version=version.name, published=published, outcome=outcome)
    return True


def _is_made_by(version: Run, run: TrainingRun) -> bool:
    """Versions are made under a lock: what is newer than the start of a training comes from it."""
    created_at = parse_datetime(version.manifest.created_at)
    if created_at is None or run.started_at is None:
        return False
    return created_at >= run.started_at.replace(microsecond=0)  # a manifest's time is in whole seconds


@transaction.atomic
def _end(run_id: int, status: TrainingRun.Status, **fields: Any) -> None:
    running = TrainingRun.objects.running().filter(pk=run_id)
    if not running.update(status=status, finished_at=timezone.now(), **fields):
        logger.warning("training %d had ended already when it was to be %s", run_id, status.value)


def problem_of(error: BaseException) -> TrainingRun.Problem:
    """Which of the problems that everybody can understand an error is."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in (ENOSPC, EDQUOT):
            return TrainingRun.Problem.DISK
        cause = cause.__cause__
    match error:
        case CorpusError():
            return TrainingRun.Problem.CORPUS
        case EvolveError():
            return TrainingRun.Problem.DISK if "disk" in str(error) else TrainingRun.Problem.ENGINE
        case RegistryError():
            return TrainingRun.Problem.REGISTRY
        case DatabaseError():
            return TrainingRun.Problem.DATABASE
    return TrainingRun.Problem.UNEXPECTED
