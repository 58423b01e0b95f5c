"""Two versions side by side, as the page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from chat.templatetags.versions import amount, measure, share
from chat.versions import selectors
from chat.versions.receipts import OUTCOMES
from chat.versions.records import Version, count
from core.evolve.comparison import Change, Difference, Lessons, compare_lessons, compare_values
from core.evolve.errors import EvolveError

LISTS = ("changed", "added", "removed")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of both versions, and by how much the second is better or worse, where that can be said."""

    label: str
    before: str
    after: str
    change: str = ""
    better: bool | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs between two versions. ``missing`` says why their lessons can't be compared."""

    scores: list[Figure]
    corpus: list[Figure]
    hparams: list[Difference]
    lessons: Lessons
    missing: str

    def chosen(self, kind: str, verdict: str) -> Sequence[Change | tuple[str, str]]:
        """Return one of the lists; of the changed answers, those with a verdict."""
        if kind == "changed" and verdict:
            return [change for change in self.lessons.changed if change.verdict == verdict]
        rows: Sequence[Change | tuple[str, str]] = getattr(self.lessons, kind)
        return rows

    def lists(self) -> list[tuple[str, str, int]]:
        """Return each list's name, what people call it, and its length."""
        names = {"changed": _("달라진 답"), "added": _("더 배운 쌍"), "removed": _("빠진 쌍")}
        return [(kind, names[kind], len(getattr(self.lessons, kind))) for kind in LISTS]

    def verdicts(self) -> dict[str, int]:
        """Count the changed answers by verdict."""
        return {
            verdict: sum(change.verdict == verdict for change in self.lessons.changed)
            for verdict in OUTCOMES["changed"]
        }


def compare_versions(before: Version, after: Version) -> Comparison:
    """Compare two versions that can be read."""
    try:
        lessons, missing = compare_lessons(selectors.lessons(before), selectors.lessons(after)), ""
    except EvolveError as error:
        lessons, missing = Lessons((), (), ()), str(error)
    manifests = [version.run.manifest for version in (before, after) if version.run]
    return Comparison(
        scores=_scores(before, after),
        corpus=_corpus(before, after),
        hparams=compare_values(manifests[0].hparams, manifests[1].hparams),
        lessons=lessons,
        missing=missing,
    )


def _scores(before: Version, after: Version) -> list[Figure]:
    """Compare the scores. Those on unseen questions may come from different questions, which the page says."""
    first, second = before.scores, after.scores
    return [
        _figure(
            _("배운 질문에 맞게 답한 비율"),
            (first.learned_percent, second.learned_percent),
            (share(first.learned), share(second.learned)),
        ),
        _figure(_("처음 보는 질문: chrF"), (first.chrf, second.chrf), (measure(first.chrf), measure(second.chrf))),
        _figure(_("처음 보는 질문: BLEU"), (first.bleu, second.bleu), (measure(first.bleu), measure(second.bleu))),
    ]


def _figure(label: str, values: tuple[float | None, float | None], texts: tuple[str, str]) -> Figure:
    before, after = values
    if before is None or after is None:
        return Figure(label, *texts)
    change = round(after - before, 1)
    return Figure(
        label, *texts, f"{'+' if change > 0 else ''}{number_format(change, 1)}", change > 0 if change else None
    )


def _corpus(before: Version, after: Version) -> list[Figure]:
    names = {
        "seen": _("모은 쌍"),
        "train": _("배운 쌍"),
        "train_questions": _("배운 질문"),
        "dev": _("학습하면서 재려고 따로 둔 쌍"),
        "test": _("다 배운 뒤 재려고 따로 둔 쌍"),
        "src_vocab_size": _("질문 어휘"),
        "tgt_vocab_size": _("답 어휘"),
    }
    figures = [Figure(_("말뭉치 해시"), before.corpus_hash[:7] or "–", after.corpus_hash[:7] or "–")]
    for name, label in names.items():
        first, second = count(before.corpus, name), count(after.corpus, name)
        change = "" if first is None or second is None or first == second else f"{second - first:+,}"
        figures.append(Figure(label, amount(first), amount(second), change))
    return figures
