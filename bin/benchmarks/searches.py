"""`bin/bench searches`: one model version asked by other searches than its own."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.answering import Bot, noisy_forms
from benchmarks.machine import print_table, say
from benchmarks.paraphrases import Asked, hold_out, right_answers, share_right
from core.corpus import Pair
from core.nmt.hparams_file import load_hparams
from core.reply.loading import read_pairs

_TIMED = 100

_BEST = {"beam_width": 5, "length_penalty_weight": 1.0}

# How one member searches, and how all of them do.
SEARCHES: Mapping[str, Mapping[str, Any]] = {
    "greedy": {"infer_mode": "greedy", "beam_width": 0, "length_penalty_weight": 0.0},
    **{f"{beams} beams, no length penalty": {"beam_width": beams, "length_penalty_weight": 0.0} for beams in (5, 10)},
    **{f"{beams} beams, length penalty 1": {**_BEST, "beam_width": beams} for beams in (5, 10, 20)},
    **{f"5 beams, length penalty {weight}": {**_BEST, "length_penalty_weight": weight} for weight in (0.5, 2)},
    **{
        f"{beams} beams, length penalty 1, {share} for readings without a token": {
            **_BEST,
            "beam_width": beams,
            "leave_one_out": share,
        }
        for beams, share in ((5, 0.5), (5, 0.75), (5, 0.9), (10, 0.75))
    },
}
TOGETHER: Mapping[str, Mapping[str, Any]] = {
    "all members, 5 beams, length penalty 1": _BEST,
    **{
        f"all members, {beams} beams, length penalty 1, 0.75 for readings without a token": {
            **_BEST,
            "beam_width": beams,
            "leave_one_out": 0.75,
        }
        for beams in (5, 10)
    },
}


def compare_searches(pairs: Sequence[Pair], run: Path, draw: str, asked: int) -> None:
    """Print what each search finds with the weights of `run`, which was trained without the paraphrases of `draw`."""
    rest, held = hold_out(pairs, draw)
    right = right_answers(rest)
    trained = dict.fromkeys(question for question, _ in read_pairs(run / "model", "train"))
    known = [Asked(question, right[question]) for question in trained if question in right]
    noise = [one for kind in noisy_forms(known, asked) for one in kind.asked]
    known = random.Random(0).sample(known, min(asked, len(known)))
    say(f"\n{len(held)} paraphrases, {len(known)} trained questions, {len(noise)} noisy forms of trained questions\n")
    head = ("search", "paraphrases", "trained", "noisy", "ms a paraphrase, one by one")
    print_table(head, _rows(run / "model", (held, known, noise)))


def _rows(model_dir: Path, sets: Sequence[Sequence[Asked]]) -> Iterator[tuple[str, ...]]:
    alone = [(name, flags, 1) for name, flags in SEARCHES.items()]
    together = [(name, flags, None) for name, flags in TOGETHER.items()] if load_hparams(model_dir).members > 1 else []
    for name, flags, members in [*alone, *together]:
        bot = Bot(model_dir, {"leave_one_out": 0.0, **flags}, members)
        shares = [share_right(some, bot.answer([one.question for one in some])) for some in sets]
        times = []
        for one in sets[0][:_TIMED]:
            start = time.perf_counter()
            bot.answer([one.question])
            times.append(time.perf_counter() - start)
        yield name, *(f"{share:.1%}" for share in shares), f"{1000 * sorted(times)[len(times) // 2]:.1f}"
