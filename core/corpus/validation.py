"""What is worth knowing about the data before a model is trained on it: the findings of one corpus.

What `build` counted while it read the pairs (duplicates, conflicts, sides that are empty or too long) is taken from
its report, not counted again. The rest is looked at here, once over the pairs. Nothing is changed or left out: a
reviewer decides, and the run goes on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

from core.corpus.corpus import Corpus
from core.corpus.errors import CorpusError
from core.corpus.pair import Example, Pair
from core.corpus.report import Conflict, CorpusReport, Reason
from core.corpus.stability import Profile, Stability, category_stability, length_stability

Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class ValidationSettings:
    """From where on a finding is worth a warning. Raises `CorpusError` for values that make no sense.

    Attributes:
        bad_share: of the pairs that came in, the share that is empty, too long or not Korean. A few of them are
            typing; one in twenty is a file read in a wrong way.
        broken_share: likewise, from where on it is an error: most of what was meant to be learned is not there.
        unknown_share: of the held-out tokens those that no vocabulary knows, not even spelt. Each is a hole in what
            the model reads; what was written in Korean has next to none.
        new_word_share: of the held-out words those that no trained question has. Korean words carry their particles
            and endings, so a third is usual; where two in three are new, held-out scores say little.
        moved: population stability index. Below 0.1 nothing has changed, from 0.1 on look, from 0.25 on the two
            are different populations (Siddiqi, Credit Risk Scorecards, 2006).
        changed: likewise, the second bound.
        visitor_share: of the pairs that visitors asked for, the most that one of them should have.
        visitor_pairs: fewer pairs than this are nobody's campaign, whatever their share.
        max_rows: at most so many rows are listed with a finding.
    """

    bad_share: float = 0.05
    broken_share: float = 0.5
    unknown_share: float = 0.01
    new_word_share: float = 0.67
    moved: float = 0.1
    changed: float = 0.25
    visitor_share: float = 0.2
    visitor_pairs: int = 20
    max_rows: int = 100

    def __post_init__(self) -> None:
        for name in ("bad_share", "broken_share", "unknown_share", "new_word_share", "visitor_share"):
            if not 0 < getattr(self, name) <= 1:
                raise CorpusError(f"{name} is {getattr(self, name)}: choose a share above 0, at most 1")
        if not 0 < self.moved < self.changed:
            raise CorpusError(f"moved is {self.moved} and changed {self.changed}: choose 0 < moved < changed")
        if self.visitor_pairs < 1 or self.max_rows < 0:
            raise CorpusError("choose 1 or more for visitor_pairs and 0 or more for max_rows")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        code: what it is about, for programs and translations; see `CODES`.
        severity: "info" is a measurement, "warning" is for a reviewer to look at, "error" means that the data is
            hardly what was meant.
        text: in words.
        rows: database ids of the pairs it is about, the first of them.
        value: how many pairs, what share, or which index, by `code`.
        figures: the numbers in `text`, by name, for whoever says it in another language: `count`, and `of` how many,
            `decided` and `undecided` of conflicts; of a stability index itself, what `chance` alone makes of it, and
            from where on it means that something `changed`.
    """

    code: str
    severity: Severity
    text: str
    rows: tuple[int, ...] = ()
    value: float = 0.0
    figures: Mapping[str, float] = field(default_factory=dict)


# The codes, and what `Finding.value` is with them.
CODES: Mapping[str, str] = {
    "duplicates": "pairs that say the same once more",
    "empty_sides": "pairs without a question or an answer",
    "overlong_sides": "pairs with a side that is too long",
    "conflicts": "questions with different answers",
    "echoes": "pairs that answer with the question itself",
    "foreign_questions": "share of questions that are not Korean",
    "foreign_answers": "share of answers that are not Korean",
    "unknown_tokens": "share of held-out tokens that no vocabulary knows",
    "new_words": "share of held-out words that no trained question has",
    "question_length_skew": "stability index of held-out against trained question lengths",
    "answer_length_skew": "stability index of held-out against trained answer lengths",
    "category_skew": "stability index of held-out against trained categories",
    "question_length_drift": "stability index of question lengths against the parent's corpus",
    "answer_length_drift": "stability index of answer lengths against the parent's corpus",
    "category_drift": "stability index of categories against the parent's corpus",
    "one_visitor": "share of the visitors' pairs that come from one of them",
}
_TOLD_BY_REPORT = frozenset({"duplicates", "empty_sides", "overlong_sides", "conflicts", "echoes"})


@dataclass(frozen=True)
class ValidationReport:
    """The findings of one corpus, the gravest first, and the profile that the next corpus is held against."""

    findings: tuple[Finding, ...]
    profile: Profile

    @property
    def severity(self) -> Severity:
        """The gravest of the findings; "info" without any."""
        return self.findings[0].severity if self.findings else "info"

    def to_dict(self) -> dict[str, Any]:
        """Everything, in types that JSON knows: what the manifest keeps as `validation`."""
        findings = [
            {
                "code": finding.code,
                "severity": finding.severity,
                "text": finding.text,
                "rows": list(finding.rows),
                "value": finding.value,
                "figures": dict(finding.figures),
            }
            for finding in self.findings
        ]
        return {"severity": self.severity, "findings": findings, "profile": self.profile.to_dict()}

    def summary(self) -> list[str]:
        """What a person should look at, a line each; what the report of the corpus tells is not told again."""
        grave = [f for f in self.findings if f.severity != "info" and f.code not in _TOLD_BY_REPORT]
        return [f"{finding.severity}: {finding.text}" for finding in grave]


def validate(
    corpus: Corpus, parent: Profile | None = None, settings: ValidationSettings | None = None
) -> ValidationReport:
    """Look at a corpus that `build` made, before a model is trained on it.

    Args:
        corpus: what the model is to learn and to be measured on.
        parent: the profile of the corpus that the live model was trained on: `Profile.from_dict` of its manifest's
            `validation["profile"]`, for an older run `Profile.read` of its directory; None without a live model.
        settings: see `ValidationSettings`.

    Reads each pair a few times and keeps counts alone: linear in the pairs, with no model and no analyser.
    """
    settings = settings or ValidationSettings()
    profile = Profile.of(example.pair for example in corpus.train)
    held_out = [*corpus.dev, *corpus.test]
    held_out_profile = Profile.of(example.pair for example in held_out)
    findings = [
        *_from_report(corpus, settings),
        *_not_korean(corpus, settings),
        *_coverage(corpus, held_out, settings),
        *_movements("skew", "the held-out set is unlike the training set", profile, held_out_profile, settings),
        *(_movements("drift", "the corpus is unlike the parent's", parent, profile, settings) if parent else ()),
        *_one_visitor(corpus, settings),
    ]
    order: list[Severity] = ["error", "warning", "info"]
    return ValidationReport(tuple(sorted(findings, key=lambda finding: order.index(finding.severity))), profile)


def _from_report(corpus: Corpus, settings: ValidationSettings) -> Iterator[Finding]:
    """What `build` counted already."""
    report = corpus.report
    if duplicate := report.left_out.get(Reason.DUPLICATE):
        text = f"{duplicate.count} pairs say the same as another"
        rows, count = duplicate.rows[: settings.max_rows], duplicate.count
        yield Finding("duplicates", "info", text, rows, count, {"count": count})
    yield from _left_out(
        report, "empty_sides", "have an empty side", (Reason.EMPTY_QUESTION, Reason.EMPTY_ANSWER), settings
    )
    yield from _left_out(
        report, "overlong_sides", "have too long a side", (Reason.QUESTION_TOO_LONG, Reason.ANSWER_TOO_LONG), settings
    )
    if report.conflicts:
        yield _conflicting(report.conflicts, settings)
    if report.echoes:
        echoes = (e.pair for e in _examples(corpus) if e.pair.question == e.pair.answer)
        text = f"{report.echoes} pairs answer with the question itself"
        yield Finding("echoes", "warning", text, _rows(echoes, settings), report.echoes, {"count": report.echoes})


def _left_out(
    report: CorpusReport, code: str, text: str, reasons: Iterable[Reason], settings: ValidationSettings
) -> Iterator[Finding]:
    """A warning for pairs left out, an error where too many are."""
    found = [report.left_out[reason] for reason in reasons if reason in report.left_out]
    count = sum(omission.count for omission in found)
    if count:
        rows = tuple(chain.from_iterable(omission.rows for omission in found))[: settings.max_rows]
        severity: Severity = "error" if count >= settings.broken_share * report.seen else "warning"
        text = f"{count} of {report.seen} pairs {text} and are left out"
        yield Finding(code, severity, text, rows, count, {"count": count, "of": report.seen})


def _conflicting(conflicts: tuple[Conflict, ...], settings: ValidationSettings) -> Finding:
    undecided = sum(len(conflict.kept) > 1 for conflict in conflicts)
    text = (
        f"{len(conflicts)} questions came with different answers: the newest reviewed one counts for "
        f"{len(conflicts) - undecided}, {undecided} keep all"
    )
    rows = tuple(chain.from_iterable(conflict.rows for conflict in conflicts))[: settings.max_rows]
    figures = {"count": len(conflicts), "decided": len(conflicts) - undecided, "undecided": undecided}
    return Finding("conflicts", "warning", text, rows, len(conflicts), figures)


_HANGUL = re.compile(r"[가-힣ㄱ-ㆎ]+")
_OTHER_LETTERS = re.compile(r"[^\W\d_가-힣ㄱ-ㆎ]+")


def is_korean(text: str) -> bool:
    """Whether Hangul, single letters as in ㅋㅋ among it, is at least half of the letters; without any it is not."""
    hangul = len(text) - len(_HANGUL.sub("", text))
    return hangul > 0 and hangul >= len(text) - len(_OTHER_LETTERS.sub("", text))


def _not_korean(corpus: Corpus, settings: ValidationSettings) -> Iterator[Finding]:
    sides: dict[str, Callable[[Pair], str]] = {"questions": lambda p: p.question, "answers": lambda p: p.answer}
    for side, text_of in sides.items():
        foreign = [example.pair for example in _examples(corpus) if not is_korean(text_of(example.pair))]
        share = len(foreign) / corpus.report.used
        severity: Severity = "info"
        if share >= settings.bad_share:
            severity = "error" if share >= settings.broken_share else "warning"
        text = f"{share:.1%} of the {side} are not Korean ({len(foreign)} of {corpus.report.used})"
        figures = {"count": len(foreign), "of": corpus.report.used}
        yield Finding(f"foreign_{side}", severity, text, _rows(foreign, settings), round(share, 4), figures)


def _coverage(corpus: Corpus, held_out: list[Example], settings: ValidationSettings) -> Iterator[Finding]:
    """How much of what the model is measured on it has never read: the out-of-vocabulary rate of tokens and words."""
    if not held_out:
        return
    vocabulary = set(corpus.src_vocab)
    tokens = list(chain.from_iterable(example.source for example in held_out))
    unknown = sum(token not in vocabulary for token in tokens)
    limit = settings.unknown_share
    yield _share_finding("unknown_tokens", unknown, len(tokens), "tokens are in no vocabulary", limit)
    trained = set(chain.from_iterable(example.pair.question.split() for example in corpus.train))
    words = list(chain.from_iterable(example.pair.question.split() for example in held_out))
    new = sum(word not in trained for word in words)
    yield _share_finding("new_words", new, len(words), "words are in no trained question", settings.new_word_share)


def _share_finding(code: str, count: int, of: int, what: str, limit: float) -> Finding:
    share = count / of
    severity: Severity = "warning" if share >= limit else "info"
    text = f"{share:.1%} of the held-out {what}"
    return Finding(code, severity, text, value=round(share, 4), figures={"count": count, "of": of})


def _movements(
    kind: str, text: str, reference: Profile, sample: Profile, settings: ValidationSettings
) -> Iterator[Finding]:
    """How lengths and categories of `sample` differ from those of `reference`."""
    found = {
        "question_length": ("lengths of questions", length_stability(reference.questions, sample.questions)),
        "answer_length": ("lengths of answers", length_stability(reference.answers, sample.answers)),
        "category": ("categories", category_stability(reference.categories, sample.categories)),
    }
    for code, (what, stability) in found.items():
        if stability is not None:
            yield _movement(f"{code}_{kind}", f"{text} in its {what}", stability, settings)


def _movement(code: str, text: str, stability: Stability, settings: ValidationSettings) -> Finding:
    index, chance = round(stability.index, 4), round(stability.chance, 4)
    figures = {"index": index, "chance": chance, "changed": settings.changed}
    # Between small samples chance alone moves the index beyond the usual bound.
    if stability.index < max(settings.moved, stability.chance):
        text = f"{code.replace('_', ' ')}: stability index {stability.index:.3f}"
        return Finding(code, "info", text, value=index, figures=figures)
    text = f"{text}: stability index {stability.index:.3f}, where chance alone stays below {stability.chance:.3f}"
    if stability.index >= settings.changed:
        text += ", which is another population"
    return Finding(code, "warning", text, value=index, figures=figures)


def _one_visitor(corpus: Corpus, settings: ValidationSettings) -> Iterator[Finding]:
    """One visitor whose exchanges are so many of those approved that the bot may be taught on purpose."""
    asked = [example.pair for example in _examples(corpus) if example.pair.visitor]
    if not asked:
        return
    ((visitor, count),) = Counter(pair.visitor for pair in asked).most_common(1)
    share = count / len(asked)
    suspicious = count >= settings.visitor_pairs and share >= settings.visitor_share
    # The visitor is not named: rows are enough for a reviewer, and a manifest may be given away.
    rows = _rows((pair for pair in asked if pair.visitor == visitor), settings) if suspicious else ()
    text = f"one visitor asked {count} of the {len(asked)} visitors' pairs"
    figures = {"count": count, "of": len(asked)}
    yield Finding("one_visitor", "warning" if suspicious else "info", text, rows, round(share, 4), figures)


def _examples(corpus: Corpus) -> Iterator[Example]:
    return chain(corpus.train, corpus.dev, corpus.test)


def _rows(pairs: Iterable[Pair], settings: ValidationSettings) -> tuple[int, ...]:
    """The database ids of the first `pairs` that have one."""
    return tuple(pair.row for pair in pairs if pair.row is not None)[: settings.max_rows]
