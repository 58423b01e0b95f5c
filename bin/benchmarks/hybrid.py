"""`bin/bench hybrid`: the engine alone, memory alone and both together, of one model version."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.answering import noisy_forms
from benchmarks.diagram import draw_reliability
from benchmarks.machine import print_table, say
from benchmarks.paraphrases import Asked, hold_out, right_answers
from core.corpus import Pair
from core.errors import JaramError
from core.memory import Lesson, Memory
from core.reply import MODES, Blocklist, Mode, Reply
from core.reply.answerer import Answerer, Question, Sentences
from core.reply.loading import engine_loader, load_model, read_pairs
from core.reply.model import LiveModel, ModelRef
from core.reply.reliability import calibration_error, reliability
from core.text import Tokenizer, get_analyser, normalise, normalise_question

UNRELATED = Path(__file__).parent / "data" / "unrelated.txt"

_BATCH = 32


@dataclass(frozen=True)
class Bots:
    """A model and a memory, which answer in any mode."""

    model: LiveModel
    memory: Memory
    tokenizer: Tokenizer

    def replies(self, questions: Sequence[str], mode: Mode) -> list[Reply]:
        """The reply to each of `questions`."""
        answerer = Answerer(self.model, self.memory, Blocklist(), Sentences())
        asked = [Question(one, self.tokenizer.split(normalise_question(one)), mode) for one in questions]
        return [reply for at in range(0, len(asked), _BATCH) for reply in answerer.answer(asked[at : at + _BATCH])]

    def milliseconds(self, questions: Sequence[str], mode: Mode) -> float:
        """The median time of an answer, one question after another."""
        answerer = Answerer(self.model, self.memory, Blocklist(), Sentences())
        times = []
        for one in questions:
            start = time.perf_counter()
            answerer.answer([Question(one, self.tokenizer.split(normalise_question(one)), mode)])
            times.append(time.perf_counter() - start)
        return 1000 * sorted(times)[len(times) // 2]


def open_bots(run: Path, pairs: Iterable[Pair]) -> Bots:
    """The model of a run, and a memory of `pairs`."""
    tokenizer = Tokenizer(get_analyser())
    memory = Memory(tokenizer)
    memory.put(Lesson(row, pair.question, pair.answer) for row, pair in enumerate(pairs, start=1))
    return Bots(load_model(ModelRef(run.name, run / "model"), engine_loader(), tokenizer), memory, tokenizer)


def measure_hybrid(
    pairs: Sequence[Pair], run: Path, *, unrelated: Path, noisy: int, draw: str = "", plot: Path | None = None
) -> None:
    """Print what `run`, which must not have been trained on the paraphrases, answers beside a memory of the others."""
    rest, held = hold_out(pairs, draw)
    trained = dict.fromkeys(question for question, _ in read_pairs(run / "model", "train"))
    if seen := [one.question for one in held if one.question in trained]:
        raise JaramError(f"{run} was trained on {len(seen)} of the paraphrases: name a run of bin/bench quality --keep")
    bots = open_bots(run, rest)
    origin = bots.model.calibration.origin if bots.model.calibration else "built in"
    say(f"\n{len(held)} paraphrases held out, {bots.memory.size} rows in memory; calibration: {origin}\n")
    replies = {mode: bots.replies([one.question for one in held], mode) for mode in MODES}
    print_table(("paraphrases", "right", "wrong", "fallback"), [_shares(m, held, r) for m, r in replies.items()])
    right = right_answers(rest)
    known = [Asked(question, right[question]) for question in trained if question in right]
    noise = [one for kind in _print_noise(bots, known, noisy) for one in kind]
    strange = _print_unrelated(bots, unrelated.read_text(encoding="utf-8").split("\n"))
    _print_reliability("the paraphrases", held, replies["hybrid"])
    together = [*held, *noise, *strange]
    _print_reliability("all of these questions", together, bots.replies([q.question for q in together], "hybrid"), plot)
    _print_times(bots, [one.question for one in held[:100]])


def is_right(one: Asked, reply: Reply) -> bool:
    """Whether a reply is one of the right answers."""
    return normalise(reply.text) in one.right


def _shares(what: str, asked: Sequence[Asked], replies: Sequence[Reply]) -> tuple[str, str, str, str]:
    right = sum(map(is_right, asked, replies)) / len(asked)
    fallback = sum(reply.source == "fallback" for reply in replies) / len(asked)
    return what, f"{right:.1%}", f"{1 - right - fallback:.1%}", f"{fallback:.1%}"


def _print_noise(bots: Bots, trained: Sequence[Asked], count: int) -> list[Sequence[Asked]]:
    say("\nNoisy forms of trained questions that get the answer of the clean form:\n")
    rows, asked = [], []
    for noise in noisy_forms(trained, count):
        if noise.asked:
            asked.append(noise.asked)
            questions = [one.question for one in noise.asked]
            shares = (_shares(mode, noise.asked, bots.replies(questions, mode))[1] for mode in MODES)
            rows.append((noise.kind.value, str(len(noise.asked)), *shares))
    print_table(("kind", "forms", *MODES), rows)
    return asked


def _print_unrelated(bots: Bots, lines: Sequence[str]) -> list[Asked]:
    questions = [line for line in lines if line.strip()]
    say(f"\n{len(questions)} questions that have nothing to do with any reviewed one:\n")
    rows = []
    for mode in ("hybrid", "memory"):
        replies = bots.replies(questions, mode)
        wrong = sum(reply.source != "fallback" for reply in replies)
        by_memory = sum(reply.source == "memory" for reply in replies)
        rows.append((mode, f"{wrong / len(questions):.1%}", f"{by_memory / len(questions):.1%}"))
    print_table(("mode", "answered", "from memory"), rows)
    return [Asked(question, frozenset()) for question in questions]


def _print_reliability(what: str, asked: Sequence[Asked], replies: Sequence[Reply], plot: Path | None = None) -> None:
    """Of the likeliest answer to each question, whether it was said or not."""
    best = [(reply.candidates[0], one) for reply, one in zip(replies, asked, strict=True) if reply.candidates]
    scores = [candidate.score for candidate, _ in best]
    right = [normalise(candidate.text) in one.right for candidate, one in best]
    say(f"\nScores of the best candidates in hybrid mode, on {what}, and the share of them that is right:\n")
    bins = reliability(scores, right)
    rows = [(f"{b.low:.1f} to {b.high:.1f}", str(b.count), f"{b.score:.2f}", f"{b.right:.2f}") for b in bins]
    print_table(("scores", "answers", "mean score", "right"), rows)
    error = calibration_error(scores, right)
    say(f"\nExpected calibration error: {error:.3f}\n")
    if plot:
        draw_reliability(bins, error, plot)


def _print_times(bots: Bots, questions: Sequence[str]) -> None:
    say("\nMedian time of an answer, one by one:\n")
    print_table(("mode", "ms"), [(mode, f"{bots.milliseconds(questions, mode):.1f}") for mode in MODES])
