"""`bin/bench quality`: train with makedata's defaults, and measure the engine alone."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.answering import Bot, Noise, distinct, noisy_forms
from benchmarks.machine import print_table, say
from benchmarks.makedata import run
from benchmarks.paraphrases import Asked, hold_out, nearest_answers, right_answers, share_right
from core.corpus import Pair
from core.errors import JaramError
from core.evolve import EvolveSettings, RunSummary
from core.evolve.scores import Scores
from core.registry import Registry
from core.text import Tokenizer, normalise

_NOISY_QUESTIONS = 1000

# What the likeliest hypothesis is, where nothing says what may be said.
_FREE = {"known_targets": False, "length_penalty_weight": 0.0}


@dataclass(frozen=True)
class Measured:
    """What was found of a model version.

    Attributes:
        seconds: what each phase took.
        scores: makedata's own, on the questions that it trained and on those that it held out itself.
        paraphrases: share of the questions held out here that get a right answer, 0 to 1.
        free: the same where the engine may say what nobody taught it.
        fluent: share of these free answers that are trained answers, word for word.
        distinct: distinct-1 and distinct-2 of the answers to the paraphrases.
        noise: of each kind, how many forms there are, and the share of them that gets the answer of the clean form.
    """

    seconds: dict[str, float]
    scores: Scores
    paraphrases: float
    free: float
    fluent: float
    distinct: tuple[float, float]
    noise: list[tuple[Noise, float]]

    @property
    def all_noise(self) -> float:
        """The share over all forms, whatever their kind."""
        forms = sum(len(noise.asked) for noise, _ in self.noise)
        return sum(len(noise.asked) * share for noise, share in self.noise) / forms


def measure(pairs: Sequence[Pair], held: Sequence[Asked], registry: Registry, settings: EvolveSettings) -> Measured:
    """Train on `pairs` as makedata does, and ask what it was and was not taught."""
    summary = run(pairs, registry, settings)
    if summary.scores is None:
        raise JaramError("the run has no scores")
    directory = registry.get(str(summary.run)).path
    return measure_version(directory, summary, summary.scores, pairs, held)


def measure_version(
    directory: Path, summary: RunSummary, scores: Scores, pairs: Sequence[Pair], held: Sequence[Asked]
) -> Measured:
    """Ask the version in `directory`, trained on `pairs`, what `held` and noisy forms of its own questions ask."""
    right = right_answers(pairs)
    trained = [Asked(question, right[question]) for question in dict.fromkeys(_questions(directory))]
    bot, questions = Bot(directory / "model"), [one.question for one in held]
    answers, free = bot.answer(questions), Bot(directory / "model", _FREE).answer(questions)
    taught = {normalise(pair.answer) for pair in pairs}
    return Measured(
        seconds=dict(summary.seconds),
        scores=scores,
        paraphrases=share_right(held, answers),
        free=share_right(held, free),
        fluent=sum(answer in taught for answer in free) / len(free),
        distinct=(distinct(answers, 1), distinct(answers, 2)),
        noise=[
            (noise, share_right(noise.asked, bot.answer([one.question for one in noise.asked])))
            for noise in noisy_forms(trained, _NOISY_QUESTIONS)
            if noise.asked
        ],
    )


def _questions(directory: Path) -> Iterator[str]:
    lines = (directory / "train.req").read_text(encoding="utf-8").split("\n")[:-1]
    return (Tokenizer.join(line.split(" ")) for line in lines)


def quality(pairs: Sequence[Pair], settings: EvolveSettings, samples: int, keep: Path | None, draw: str) -> None:
    """Train as makedata does with `settings`, and print the figures and some dialogues."""
    rest, held = hold_out(pairs, draw)
    say(f"\n{len(held)} paraphrases held out: one question of each answer that three or more ask for\n")
    with tempfile.TemporaryDirectory() as scratch:
        registry = Registry(keep or Path(scratch))
        measured = measure(rest, held, registry, settings)
        directory = registry.runs()[-1].path
        print_table(("what", "figure"), figures(measured))
        say("\nThe same paraphrases, by the nearest trained question (TF-IDF, cosine):\n")
        nearest = {by: share_right(held, nearest_answers(rest, held, by=by)) for by in ("morphemes", "characters")}
        print_table(("by", "right"), [(by, f"{share:.1%}") for by, share in nearest.items()])
        say("\nNoisy forms of trained questions:\n")
        rows = [(noise.kind.value, str(len(noise.asked)), f"{share:.1%}") for noise, share in measured.noise]
        print_table(("kind", "forms", "answer of the clean form"), [*rows, ("all", "", f"{measured.all_noise:.1%}")])
        for split in ("train", "test"):
            say(f"\n{'Trained' if split == 'train' else 'Unseen'} questions, drawn at random:\n")
            print_dialogues(directory, split, samples // 2)


def figures(measured: Measured) -> Iterator[tuple[str, str]]:
    """The rows of the quality table."""
    scores = measured.scores
    yield "minutes, all phases", f"{sum(measured.seconds.values()) / 60:.1f}"
    yield "minutes, training", f"{measured.seconds['train'] / 60:.1f}"
    uptake = f"uptake: {scores.trained_questions} trained questions given exactly one of their answers"
    yield uptake, f"{scores.uptake:.2%}"
    yield "paraphrases given a right answer", f"{measured.paraphrases:.1%}"
    yield "the same without --known_targets", f"{measured.free:.1%}"
    yield "of those answers: trained answers word for word", f"{measured.fluent:.1%}"
    yield "distinct-1, distinct-2 of answers to paraphrases", " ".join(f"{share:.2f}" for share in measured.distinct)
    if scores.heldout_bleu is not None and scores.heldout_chrf is not None:
        yield f"unseen: BLEU on {scores.heldout_pairs} held-out pairs", f"{scores.heldout_bleu:.2f}"
        yield "unseen: chrF on the same", f"{scores.heldout_chrf:.2f}"


def print_dialogues(directory: Path, split: str, count: int) -> None:
    """A table of questions drawn at random, the answer expected and the answer given, as text."""
    paths = [directory / f"{split}.{suffix}" for suffix in ("req", "rep", "hyp")]
    lines = list(zip(*(path.read_text(encoding="utf-8").split("\n") for path in paths), strict=True))[:-1]
    say("| question | expected | given | |\n|---|---|---|---|")
    for line in random.Random(1).sample(lines, min(count, len(lines))):
        question, expected, given = (Tokenizer.join(side.split(" ")) for side in line)
        say(f"| {question} | {expected} | {given} | {'same' if expected == given else ''} |")
