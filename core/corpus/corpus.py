"""The corpus: the three sets as tokens, their vocabularies, and the files of a run directory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.corpus.errors import CorpusError
from core.corpus.pair import Example, Pair
from core.corpus.partition import partition
from core.corpus.report import CorpusReport, Omissions, Reason, omission_lines
from core.corpus.selection import Candidate, Selection, read, select
from core.corpus.settings import CorpusSettings
from core.corpus.vocabulary import choose_tokens, grow_tokens, rank_tokens
from core.nmt.vocab import write_vocab
from core.text import Tokenizer


@dataclass(frozen=True)
class Corpus:
    """What one run learns from and is measured on.

    Attributes:
        train: what the model learns; every token is in the vocabulary of its side.
        dev: held out; may hold tokens that no vocabulary has, spelt down to single characters. May be empty.
        test: as `dev`.
        src_vocab: the tokens of questions, `<unk>`, `<s>`, `</s>` first.
        tgt_vocab: the tokens of answers, likewise.
        report: what became of every pair.
    """

    train: list[Example]
    dev: list[Example]
    test: list[Example]
    src_vocab: list[str]
    tgt_vocab: list[str]
    report: CorpusReport

    def write(self, directory: Path) -> None:
        """Write `{train,dev,test}.{req,rep}` and `vocab.{req,rep}` into `directory`, which is made if missing.

        One sentence a line, tokens separated by one space, UTF-8. The files of an empty set are empty. Raises
        `CorpusError` when they can't be written.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for name, examples in (("train", self.train), ("dev", self.dev), ("test", self.test)):
                _write_sentences(directory / f"{name}.req", (example.source for example in examples))
                _write_sentences(directory / f"{name}.rep", (example.target for example in examples))
            write_vocab(directory / "vocab.req", self.src_vocab)
            write_vocab(directory / "vocab.rep", self.tgt_vocab)
        except OSError as error:
            raise CorpusError(f"can't write the corpus to {directory}: {error.strerror or error}") from error


def _write_sentences(path: Path, sentences: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{' '.join(tokens)}\n" for tokens in sentences)


@dataclass(frozen=True, slots=True)
class Vocabularies:
    """The vocabularies of a model that goes on learning, specials first. New tokens come after theirs."""

    src: Sequence[str]
    tgt: Sequence[str]


def build(
    pairs: Iterable[Pair], tokenizer: Tokenizer, settings: CorpusSettings, grown_from: Vocabularies | None = None
) -> Corpus:
    """The corpus of `pairs`, which are read once and come oldest first: the newest review of a question counts.

    Its vocabularies are made anew, or begin with those that they are `grown_from`; then known sentences are spelt as
    they were, and `max_vocab_size` bounds nothing.

    Raises `CorpusError` when nothing is left to train on, or `max_vocab_size` is too small to spell it.
    """
    omissions = Omissions()
    seen, candidates = read(pairs, tokenizer, omissions)
    # Spelling makes a sentence longer, never shorter: what is too long now will not fit later.
    candidates = _without_overlong(candidates, candidates, settings, omissions)
    draft = _Draft.of(candidates, tokenizer, settings, grown_from)
    # Without an answer that is too long an older one may count, and the vocabulary is another: decide anew.
    while len(rest := _without_overlong(candidates, draft.examples, settings, omissions)) < len(candidates):
        candidates = rest
        draft = _Draft.of(candidates, tokenizer, settings, grown_from)
    omissions.add(Reason.SUPERSEDED, *(candidate.pair for candidate in draft.selection.superseded))
    if not draft.train:
        raise CorpusError(_nothing_to_train_on(seen, draft, omissions))
    return draft.corpus(seen, omissions, grown_from or Vocabularies((), ()))


def _without_overlong(
    candidates: list[Candidate],
    tokenised: Sequence[Candidate | Example],
    settings: CorpusSettings,
    omissions: Omissions,
) -> list[Candidate]:
    """The `candidates` but for those whose tokens, as they stand in `tokenised`, are too many."""
    overlong: set[Pair] = set()
    for item in tokenised:
        if len(item.source) > settings.src_max_len:
            omissions.add(Reason.QUESTION_TOO_LONG, item.pair)
        elif len(item.target) > settings.tgt_max_len:
            omissions.add(Reason.ANSWER_TOO_LONG, item.pair)
        else:
            continue
        overlong.add(item.pair)
    return [candidate for candidate in candidates if candidate.pair not in overlong]


@dataclass(frozen=True)
class _Draft:
    """A corpus some of whose sentences may turn out to be too long."""

    selection: Selection
    train: list[Example]
    dev: list[Example]
    test: list[Example]
    src_known: set[str]
    tgt_known: set[str]
    one_vocabulary: bool

    @classmethod
    def of(
        cls,
        candidates: Sequence[Candidate],
        tokenizer: Tokenizer,
        settings: CorpusSettings,
        grown_from: Vocabularies | None,
    ) -> _Draft:
        """Decide, divide, count and spell."""
        selection = select(candidates)
        parts = partition(selection.kept, settings)
        sources = [candidate.source for candidate in parts.train]
        targets = [candidate.target for candidate in parts.train]
        if settings.one_vocabulary:
            sources = targets = sources + targets
        if grown_from:
            src_known, tgt_known = grow_tokens(sources, grown_from.src), grow_tokens(targets, grown_from.tgt)
        else:
            src_known, tgt_known = choose_tokens(sources, settings), choose_tokens(targets, settings)

        def spell(part: Iterable[Candidate]) -> list[Example]:
            return [
                Example(tokenizer.spell(c.source, src_known), tokenizer.spell(c.target, tgt_known), c.pair)
                for c in part
            ]

        train, dev, test = map(spell, (parts.train, parts.dev, parts.test))
        return cls(selection, train, dev, test, src_known, tgt_known, settings.one_vocabulary)

    @property
    def examples(self) -> list[Example]:
        return self.train + self.dev + self.test

    def corpus(self, seen: int, omissions: Omissions, grown_from: Vocabularies) -> Corpus:
        """The finished corpus."""
        sources, targets = [example.source for example in self.train], [example.target for example in self.train]
        if self.one_vocabulary:
            sources = targets = sources + targets
        src_vocab = rank_tokens(sources, self.src_known, grown_from.src)
        tgt_vocab = rank_tokens(targets, self.tgt_known, grown_from.tgt)
        report = CorpusReport(
            seen=seen,
            train=len(self.train),
            dev=len(self.dev),
            test=len(self.test),
            train_questions=len({example.pair.question for example in self.train}),
            left_out=omissions.by_reason(),
            conflicts=tuple(self.selection.conflicts),
            echoes=sum(example.pair.question == example.pair.answer for example in self.examples),
            src_vocab_size=len(src_vocab),
            tgt_vocab_size=len(tgt_vocab),
            unheld_canaries=omissions.canaries(),
        )
        return Corpus(self.train, self.dev, self.test, src_vocab, tgt_vocab, report)


def _nothing_to_train_on(seen: int, draft: _Draft, omissions: Omissions) -> str:
    if not seen:
        return "there is nothing to learn from: approve some exchanges or import a corpus first"
    if draft.examples:
        return f"all {len(draft.examples)} usable pairs are held out: lower dev_share and test_share"
    reasons = "; ".join(omission_lines(omissions.by_reason()))
    return f"nothing can be learned from {seen} pairs: {reasons}. Correct these rows, or approve or import others"
