"""How a run goes about it: on from the live model's weights, or from nothing; and what it has to learn and to keep.

Going on is a matter of a minute where training from nothing takes half an hour, but it needs a live model of the same
shape that was made by the same rules, and a corpus that is much like its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.corpus import Corpus, Example, Pair, Vocabularies, build
from core.evolve.errors import EvolveError
from core.evolve.parent import Parent, answers_by_question, corrections, texts
from core.evolve.settings import EvolveSettings, FlagValue
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams, flag_fields
from core.nmt.hyperparameter import Role
from core.nmt.vocab import Vocab
from core.registry import Registry, RegistryError, Run
from core.text import Tokenizer

# How training from nothing is done; another value of these makes no other model, only a sooner or a later one.
_NO_RULES = (
    "threads",
    "niceness",
    "min_free_bytes",
    "from_scratch",
    "force",
    "by",
    "gate",
    "warm",
    "epochs",
    "min_steps",
)


@dataclass(frozen=True, slots=True)
class Why:
    """Why training goes on from the live model, or begins from nothing.

    Attributes:
        case: which reason it is: `asked`, `no model`, `no record`, `settings`, `damaged`, `changed`, `too different` or
            `vocabulary`; training goes on where it is `changed`.
        text: the reason in words.
        figures: the numbers and names in it, for whoever says it in another language.
    """

    case: str
    text: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        """As the manifest keeps it beside the words."""
        return {"case": self.case, "figures": dict(self.figures)}


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        corpus: what it is done with; its vocabularies begin with the parent's where `warm`.
        parent: the record of the live model; None without one.
        warm: whether training goes on from the parent's weights.
        why: why it does, or why it does not.
        corrections: the pairs that are new or changed since the parent.
        kept: of the other trained questions those that the parent answers right, with the answer that it gives.
        init_from: the parent's model directory, where `warm`.
    """

    corpus: Corpus
    parent: Parent | None
    warm: bool
    why: Why
    corrections: list[Example]
    kept: list[Example]
    init_from: Path | None = None

    @property
    def goals(self) -> list[Example]:
        """One correction for each question: of several answers, of which a model can give one, the last."""
        return list({example.pair.question: example for example in self.corrections}.values())


def make_plan(
    pairs: Iterable[Pair], *, live: Run | None, registry: Registry, settings: EvolveSettings, tokenizer: Tokenizer
) -> Plan:
    """The plan for `pairs`, which are read once, after the `live` run. Raises `CorpusError` as `build` does."""
    pairs = list(pairs)
    if live is None:
        why = Why("no model", "there is no live model to go on from")
        return _plan(build(pairs, tokenizer, settings.corpus), None, why, None)
    parent = Parent.read(live.name, live.path)
    reason = _why_from_scratch(live, parent, registry, settings)
    if reason is None:
        corpus = build(pairs, tokenizer, settings.corpus, _vocabularies(live))
        reason = _how_different(corpus, parent, settings)
        if reason.case == "changed":
            return _plan(corpus, parent, reason, live.model_dir)
    return _plan(build(pairs, tokenizer, settings.corpus), parent, reason, None)


def _plan(corpus: Corpus, parent: Parent | None, why: Why, init_from: Path | None) -> Plan:
    new = corrections(corpus.train, parent)
    return Plan(corpus, parent, init_from is not None, why, new, kept(corpus, parent, new), init_from)


def kept(corpus: Corpus, parent: Parent | None, new: Iterable[Example]) -> list[Example]:
    """Of the pairs that are not `new` those whose question the parent gives this answer, a question once."""
    given = parent.given if parent else {}
    changed = {texts(example)[0] for example in new}
    found = {}
    for example in corpus.train:
        question, answer = texts(example)
        if question not in changed and given.get(question) == answer:
            found[question] = example
    return list(found.values())


def rules(settings: EvolveSettings) -> dict[str, FlagValue | None]:
    """What decides how a model is made, apart from the pairs, by name; a run keeps it for the next one to compare."""
    values = {name: value for name, value in asdict(settings).items() if name not in _NO_RULES}
    values["engine"] = {name: getattr(settings.hparams, name) for name in _learned_with()}
    return dict(_flat(values))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, FlagValue | None]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, "" if name == "engine" else f"{name}.")
        else:
            yield prefix + name, value


def _learned_with() -> list[str]:
    roles = (Role.SHAPE, Role.LEARNING)
    return [spec.name for spec in flag_fields() if spec.metadata["role"] in roles]


def _why_from_scratch(live: Run, parent: Parent, registry: Registry, settings: EvolveSettings) -> Why | None:
    """Why going on from the `live` run is out of the question, whatever the pairs are; None where it is not."""
    if settings.from_scratch:
        return Why("asked", "as was asked")
    named = {"run": live.name}
    if not parent.taught or not parent.given:
        return Why("no record", f"{live.name} keeps no record of what it was taught and answered", named)
    if changed := _changed_rules(live, settings):
        text = f"{live.name} was made otherwise: {', '.join(changed)}"
        return Why("settings", text, {**named, "changed": changed})
    try:
        registry.verify(live)
        _vocabularies(live)
    except (RegistryError, EvolveError) as error:
        return Why("damaged", str(error), named)
    return None


def _changed_rules(live: Run, settings: EvolveSettings) -> list[str]:
    """What the live run was made with and is otherwise now, as `name before → now`."""
    fields = (spec for spec in flag_fields() if spec.metadata["role"] is Role.SHAPE)
    shape = {spec.name: getattr(settings.hparams, spec.name) for spec in fields}
    # What could not be chosen then was as it is when nobody chooses, which of the engine makedata may do by now.
    engine = HParams()
    theirs = {name: live.manifest.hparams.get(name, getattr(engine, name)) for name in shape}
    before, now = live.manifest.training.get("rules", {}), rules(settings)
    # A run of before rules were kept is compared by its shape alone.
    known = before.keys() | now.keys() if before else set()
    before = {**rules(EvolveSettings()), **{name: getattr(engine, name) for name in _learned_with()}, **before}
    changed = {name: (theirs[name], value) for name, value in shape.items() if theirs[name] != value}
    changed |= {name: (before.get(name), now.get(name)) for name in known if before.get(name) != now.get(name)}
    return [f"{name} {old} → {new}" for name, (old, new) in sorted(changed.items())]


def _vocabularies(live: Run) -> Vocabularies:
    try:
        src, tgt = (Vocab.load(live.model_dir / f"vocab.{side}") for side in ("req", "rep"))
    except NmtError as error:
        raise EvolveError(str(error)) from error
    return Vocabularies(src.tokens(range(len(src))), tgt.tokens(range(len(tgt))))


def _how_different(corpus: Corpus, parent: Parent, settings: EvolveSettings) -> Why:
    """How far the corpus is from the parent's: `changed`, or why that is too far."""
    new = len(corrections(corpus.train, parent))
    gone = len(parent.taught.keys() - answers_by_question(map(texts, corpus.train)).keys())
    least, share = settings.warm.min_changes, settings.warm.max_change
    figures = {"run": parent.name, "new": new, "pairs": len(corpus.train), "gone": gone}
    told = f"{new} of {len(corpus.train)} pairs are new or changed since {parent.name}, {gone} questions are gone"
    if new + gone > max(least, share * len(corpus.train)):
        return Why("too different", f"{told}: more than {share:.0%} and more than {least}", figures)
    limit = settings.corpus.max_vocab_size
    if limit and max(len(corpus.src_vocab), len(corpus.tgt_vocab)) > limit:
        return Why("vocabulary", f"the vocabulary has outgrown max_vocab_size {limit}", {"limit": limit})
    return Why("changed", told, figures)


def engine_flags(plan: Plan, settings: EvolveSettings, directory: Path) -> dict[str, FlagValue]:
    """What the engine is told for training in `directory`, where the files of `write_material` lie."""
    flags: dict[str, FlagValue] = {"src": "req", "tgt": "rep", "vocab_prefix": "vocab", "train_prefix": "mix"}
    flags |= {"out_dir": "model", "progress_file": "progress.jsonl"}
    if plan.init_from is None:
        if plan.corpus.dev:
            flags["dev_prefix"] = "dev"
        return flags | settings.training_flags(plan.corpus)
    # Relative, so that nothing in a run depends on where the data directory lies.
    flags["init_from"] = os.path.relpath(plan.init_from, directory)
    if plan.goals:
        flags["goal_prefix"] = "goal"
    if plan.kept:
        flags["keep_prefix"] = "keep"
    return flags | settings.warm_flags(plan.corpus, len(plan.goals))
