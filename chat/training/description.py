"""A training in words: what its page shows of it. Reads rows and writes none."""

from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chat.training import selectors
from chat.training.run import TrainingRun
from chat.versions.sentences import bar_text
from core.evolve.gate import Bar

PHASES = {
    "corpus": gettext_lazy("대화 모으기"),
    "train": gettext_lazy("배우기"),
    "evaluate": gettext_lazy("시험 보기"),
    "publish": gettext_lazy("내보내기"),
}
# Bars of the gate, by their names in `core.evolve.gate`.
_MISSED = {
    "loads": gettext_lazy("새로 불러왔을 때 제대로 답하지 못했어요."),
    "learned": gettext_lazy("고친 답을 충분히 배우지 못했어요."),
    "lost": gettext_lazy("잘하던 답을 너무 많이 잊었어요."),
    "unseen": gettext_lazy("처음 보는 질문에 전보다 못 답해요."),
    "canaries": gettext_lazy("꼭 지켜야 할 답을 놓쳤어요."),
}


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of a training: its name, and whether it is over, under way or to come (``done``, ``now``, ``next``)."""

    label: str
    state: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Description:
    """What is shown of a training.

    Args:
        run: its row.
        headline: where it is, or what became of it.
        details: what else there is to say, a sentence each.
        phases: its parts; empty but for one that runs.
        percent: how much of the part under way is done; None where that is not known.
        figures: steps, loss, speed, time left.
        colour: ``good``, ``bad``, ``warn`` or nothing.
    """

    run: TrainingRun
    headline: str
    details: list[str] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    percent: int | None = None
    figures: list[Figure] = field(default_factory=list)
    colour: str = ""

    @property
    def duration(self) -> str:
        """How long it took, or has taken so far."""
        if self.run.started_at is None:
            return ""
        return spoken((self.run.finished_at or timezone.now()) - self.run.started_at)

    @property
    def key(self) -> str:
        """Changes when the page has other buttons to offer."""
        return f"{self.run.pk}-{self.run.status}-{self.run.cancel_requested}"


def describe(run: TrainingRun) -> Description:
    """Put a training into words of the active language."""
    match run.status:
        case TrainingRun.Status.QUEUED:
            return Description(run, _("곧 시작해요."))
        case TrainingRun.Status.RUNNING:
            return _running(run)
        case TrainingRun.Status.DONE:
            text = _("새 모델을 내보냈어요.") if run.published else _("새 모델을 만들었고, 내보내지는 않았어요.")
            return Description(run, text, _lessons(run), colour="warn" if run.outcome.get("overtaken") else "good")
        case TrainingRun.Status.REJECTED:
            text = _("새 모델이 기준에 못 미쳐서 내보내지 않았어요. 지금 답하는 모델은 그대로예요.")
            return Description(run, text, _missed(run), colour="warn")
        case TrainingRun.Status.FAILED:
            text = run.get_problem_display()
            return Description(run, text, [_("지금 답하는 모델은 그대로예요.")], colour="bad")
        case TrainingRun.Status.CANCELLED:
            return Description(run, _("취소했어요. 지금 답하는 모델은 그대로예요."))
    return _interrupted(run)


def _missed(run: TrainingRun) -> list[str]:
    """Each bar that was missed, and by how much; of trainings from before that was kept the bars alone."""
    names = [name for name in run.outcome.get("missed", []) if name in _MISSED]
    said = [str(_MISSED[name]) for name in names]
    for one in run.outcome.get("bars", []):
        bar = Bar(**one)
        said.append(bar_text(bar) or str(_MISSED.get(bar.name, bar.name)))
    return said


def _running(run: TrainingRun) -> Description:
    progress = run.progress
    names = list(PHASES)
    at = names.index(progress["phase"]) if progress.get("phase") in PHASES else 0
    details = []
    if run.cancel_requested:
        details.append(_("취소하고 있어요. 몇 초만 기다려 주세요."))
    elif selectors.is_silent(run):
        details.append(_("한동안 소식이 없어요. 멈춘 것이라면 학습을 맡은 프로그램이 알아서 이어서 해요."))
    states = ["done"] * at + ["now"] + ["next"] * (len(names) - at - 1)
    total = progress.get("total") or 0
    return Description(
        run,
        str(PHASES[names[at]]),
        details,
        [Phase(str(PHASES[name]), state) for name, state in zip(names, states, strict=True)],
        # Before the first step an engine gets ready, for a minute where others work, too: nothing is done by then.
        min(100, 100 * progress["step"] // total) if total and progress["step"] else None,
        list(_figures(progress)),
    )


def _figures(progress: dict[str, float | None]) -> list[Figure]:
    found = []
    if progress.get("total"):
        label = _("물어본 질문") if progress.get("phase") == "evaluate" else _("걸음")
        found.append(Figure(label, f"{progress['step']:,} / {progress['total']:,}"))
    if progress.get("loss") is not None:
        found.append(Figure(_("손실"), f"{progress['loss']:.3f}"))
    if progress.get("words_per_second"):
        found.append(Figure(_("1초에 배우는 말"), f"{progress['words_per_second']:,.0f}"))
    if progress.get("eta_s") is not None:
        found.append(Figure(_("남은 시간"), spoken(timedelta(seconds=progress["eta_s"]))))
    return found


def _lessons(run: TrainingRun) -> list[str]:
    """What a finished training was taught, and how."""
    said = []
    if run.outcome.get("overtaken"):
        said.append(_("배우는 동안 답하는 모델이 바뀌었어요. 두 버전을 비교해 보고 내보내거나 다시 학습해 주세요."))
    if reviewed := run.outcome.get("reviewed"):
        text = ngettext(
            "고친 답 %(all)d개 가운데 %(learned)d개를 배웠어요.",
            "고친 답 %(all)d개 가운데 %(learned)d개를 배웠어요.",
            reviewed,
        )
        said.append(text % {"all": reviewed, "learned": run.outcome.get("learned", 0)})
    if "warm" in run.outcome:
        said.append(_("지금 모델에 이어서 배웠어요.") if run.outcome["warm"] else _("처음부터 다시 배웠어요."))
    if run.outcome.get("resumed"):
        said.append(_("전에 멈춘 데서 이어서 했어요."))
    return said


def _interrupted(run: TrainingRun) -> Description:
    killed = run.outcome.get("cause") == "killed"
    text = _("프로그램이 갑자기 멈춰서 끝내지 못했어요.") if killed else _("도중에 프로그램을 꺼서 끝내지 못했어요.")
    details = []
    if again := run.outcome.get("again"):
        details.append(_("%(number)d번 학습에서 이어서 해요.") % {"number": again})
    elif run.outcome.get("given_up"):
        details.append(_("거듭 멈춰서 다시 하지 않아요. 관리자에게 알려 주세요."))
    return Description(run, text, details, colour="warn")


def spoken(span: timedelta) -> str:
    """A length of time as people say it, in no more than two units."""
    seconds = max(0, round(span.total_seconds()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours:
        return _("%(hours)d시간 %(minutes)d분") % {"hours": hours, "minutes": minutes}
    if minutes >= 10 or (minutes and not seconds % 60):
        return _("%(minutes)d분") % {"minutes": minutes}
    if minutes:
        return _("%(minutes)d분 %(seconds)d초") % {"minutes": minutes, "seconds": seconds % 60}
    return _("%(seconds)d초") % {"seconds": seconds}
