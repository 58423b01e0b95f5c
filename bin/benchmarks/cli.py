"""The commands of `bin/bench`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import (
    defaults,
    evolve,
    grouping,
    hybrid,
    inbox,
    knowledge,
    memory,
    parity,
    peers,
    profiling,
    quality,
    reply,
    searches,
    serving,
    training,
)
from benchmarks.drivers.protocol import Setup
from benchmarks.machine import print_machine
from benchmarks.pairs import Morphemes, read_pairs, write_morphemes
from benchmarks.turns import data_place
from core.corpus import Pair
from core.errors import JaramError
from core.evolve import EvolveSettings


def run_command(parser: argparse.ArgumentParser) -> int:
    """Run the command that was typed; the exit code."""
    add_commands(parser)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except (JaramError, OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"\nbin/bench: {error}\n")
        return 2
    return 0


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Every command with its flags; `run` is the function that does it."""
    commands = parser.add_subparsers(dest="what", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=globals()[f"run_{name}"])
        return command

    command = add("quality", "train on all pairs with makedata's defaults, and score the model")
    command.add_argument("--data", type=Path, required=True)
    command.add_argument("--samples", type=int, default=10, help="dialogues to print (default %(default)s)")
    command.add_argument("--keep", type=Path, help="keep the model version below this directory")
    command.add_argument("--draw", default="", help="hold other questions out than those reported: any name")
    command.add_argument("--seed", type=int, help="of the weights that it begins with (default: the engine's)")

    command = add("defaults", "the same short training with one setting changed at a time")
    command.add_argument("--data", type=Path, required=True)
    command.add_argument("--pairs", type=int, default=2500, help="pairs to train on (default %(default)s)")
    command.add_argument("--epochs", type=int, default=24, help="(default %(default)s)")
    command.add_argument(
        "--only", nargs="+", choices=defaults.VARIANTS, default=list(defaults.VARIANTS), metavar="VARIANT"
    )

    command = add("evolve", "how fast corrections are learned, how many, and what is lost")
    command.add_argument("--data", type=Path, required=True)
    command.add_argument("--rows", type=int, default=50, help="corrections, half of them new (default %(default)s)")
    command.add_argument("--seeds", type=int, nargs="+", default=[1], help="what they are drawn by (default 1)")
    command.add_argument("--parent", type=Path, help="a data directory whose live model to go on from")

    command = add("grouping", "how many decisions reviewers are spared by near-duplicates")
    command.add_argument("--data", type=Path, required=True)
    command.add_argument("--bars", type=float, nargs="*", default=[], help="other similarities to measure too")

    command = add("hybrid", "the engine alone, memory alone and both together, of one model version")
    command.add_argument("--data", type=Path, required=True)
    command.add_argument("--parent", type=Path, required=True, help="the directory of a run of `quality --keep`")
    command.add_argument("--unrelated", type=Path, default=hybrid.UNRELATED, help="a file with a question a line")
    command.add_argument("--noisy", type=int, default=200, help="questions to make noisy (default %(default)s)")
    command.add_argument("--draw", default="", help="that of the run, where it had one: `quality --draw`")
    command.add_argument("--plot", type=Path, help="draw how reliable the scores are, as PNG")

    command = add("searches", "one model version asked by other searches than its own")
    command.add_argument("--data", type=Path, required=True)
    command.add_argument("--parent", type=Path, required=True, help="the directory of a run of `quality --keep`")
    command.add_argument("--draw", default="", help="that of the run, where it had one: `quality --draw`")
    command.add_argument("--asked", type=int, default=500, help="trained questions to ask (default %(default)s)")

    command = add("memory", "how fast reviewed answers are found again, or how often they are right")
    command.add_argument("--data", type=Path, required=True)
    command.add_argument("--pairs", type=int, default=100_000, help="made for the timing (default %(default)s)")
    command.add_argument("--quality", action="store_true", help="measure what is right instead of the time")
    command.add_argument("--draw", default="", help="hold other questions out than those reported: any name")

    command = add("knowledge", "how long a server takes to know what was reviewed, from its database")
    command.add_argument("--data", type=Path, required=True)
    command.add_argument("--pairs", type=int, default=100_000, help="rows in the database (default %(default)s)")

    command = add("inbox", "how long reviewers wait for pages and decisions, by the number of open rows")
    command.add_argument("--data", type=Path, required=True)
    command.add_argument(
        "--rows", type=int, nargs="+", default=list(inbox.SIZES), help="open rows (default %(default)s)"
    )

    command = add("train", "tokens a second of training, and the share of the machine's matrix peak")
    add_shape(command)
    command.add_argument("--rounds", type=int, default=5, help="turns of each engine (default %(default)s)")
    command.add_argument("--steps", type=int, default=40, help="steps of a turn (default %(default)s)")
    command.add_argument("--warm-up", type=int, default=80, help="steps that do not count (default %(default)s)")

    command = add("profile", "where the time of a training step goes")
    add_shape(command)
    command.add_argument("--steps", type=int, default=20, help="steps to look at (default %(default)s)")
    command.add_argument("--top", type=int, default=15, help="operations to print (default %(default)s)")

    command = add("reply", "latency and throughput of answers, greedy and beam 10")
    add_shape(command)
    command.add_argument("--rounds", type=int, default=3, help="turns of each engine (default %(default)s)")
    command.add_argument("--calls", type=int, default=100, help="most calls of a turn (default %(default)s)")
    command.add_argument("--steps", type=int, default=400, help="steps of training before (default %(default)s)")

    command = add("serving", "what visitors wait, idle and while a model is trained on the same machine")
    command.add_argument("--rate", type=float, default=8, help="questions a second (default %(default)s)")
    command.add_argument("--seconds", type=float, default=30, help="of each turn (default %(default)s)")
    command.add_argument("--rounds", type=int, default=2, help="turns of each (default %(default)s)")
    command.add_argument("--threads", type=int, help="most threads of the training (default: as many as cores)")
    command.add_argument("--priority", help="of the training: idle, low or normal (default: the product's)")

    command = add("parity", "models of tensorflow/nmt: how many of its answers and scores are ours too")
    command.add_argument("--models", type=Path, required=True, help="a directory of them, and data/ beside them")

    command = add("peers", "the engines to measure against, each in an environment of its own")
    command.add_argument("--install", action="store_true", required=True, help="some gigabytes below .bench/")


def add_shape(command: argparse.ArgumentParser) -> None:
    """Flags that say what is trained."""
    command.add_argument("--data", type=Path, required=True)
    command.add_argument("--threads", type=int, default=os.cpu_count(), help="of each engine (default %(default)s)")
    command.add_argument("--layers", type=int, default=4)
    command.add_argument("--units", type=int, default=128)


def begin(arguments: argparse.Namespace) -> list[Pair]:
    """The pairs that are measured with, once the machine is told."""
    pairs = read_pairs(arguments.data)
    print_machine(f"{len(pairs)} pairs")
    return pairs


def run_quality(arguments: argparse.Namespace) -> None:
    """`bin/bench quality`."""
    base = EvolveSettings()
    seed = {} if arguments.seed is None else {"random_seed": arguments.seed}
    settings = replace(base, engine={**base.engine, **seed})
    quality.quality(begin(arguments), settings, arguments.samples, arguments.keep, arguments.draw)


def run_defaults(arguments: argparse.Namespace) -> None:
    """`bin/bench defaults`."""
    defaults.defaults(begin(arguments), arguments.pairs, arguments.epochs, arguments.only)


def run_evolve(arguments: argparse.Namespace) -> None:
    """`bin/bench evolve`."""
    evolve.measure_evolving(begin(arguments), arguments.rows, arguments.seeds, arguments.parent)


def run_searches(arguments: argparse.Namespace) -> None:
    """`bin/bench searches`."""
    searches.compare_searches(begin(arguments), arguments.parent, arguments.draw, arguments.asked)


def run_grouping(arguments: argparse.Namespace) -> None:
    """`bin/bench grouping`."""
    grouping.measure_grouping(begin(arguments), arguments.bars)


def run_hybrid(arguments: argparse.Namespace) -> None:
    """`bin/bench hybrid`."""
    hybrid.measure_hybrid(
        begin(arguments),
        arguments.parent,
        unrelated=arguments.unrelated,
        noisy=arguments.noisy,
        draw=arguments.draw,
        plot=arguments.plot,
    )


def run_memory(arguments: argparse.Namespace) -> None:
    """`bin/bench memory`."""
    pairs = begin(arguments)
    if arguments.quality:
        memory.measure_quality(pairs, arguments.draw)
    else:
        memory.measure_speed(pairs, arguments.pairs)


def run_knowledge(arguments: argparse.Namespace) -> None:
    """`bin/bench knowledge`."""
    knowledge.measure_knowledge(begin(arguments), arguments.pairs)


def run_inbox(arguments: argparse.Namespace) -> None:
    """`bin/bench inbox`."""
    inbox.measure_inbox(begin(arguments), arguments.rows)


def prepare(arguments: argparse.Namespace) -> tuple[Setup, Morphemes]:
    """The corpus in files, and what all engines have in common."""
    corpus = write_morphemes(begin(arguments), data_place())
    setup = Setup(
        data=str(data_place()),
        work="",
        layers=arguments.layers,
        units=arguments.units,
        batch_size=128,
        dropout=0.2,
        learning_rate=0.002,
        threads=arguments.threads,
        seed=0,
    )
    return setup, corpus


def run_train(arguments: argparse.Namespace) -> None:
    """`bin/bench train`."""
    setup, corpus = prepare(arguments)
    training.measure_training(setup, corpus, arguments.rounds, arguments.steps, arguments.warm_up)


def run_profile(arguments: argparse.Namespace) -> None:
    """`bin/bench profile`."""
    setup, _ = prepare(arguments)
    profiling.profile_training(setup, arguments.steps, arguments.top)


def run_reply(arguments: argparse.Namespace) -> None:
    """`bin/bench reply`."""
    setup, corpus = prepare(arguments)
    reply.measure_replies(setup, corpus.questions, arguments.rounds, arguments.calls, arguments.steps)


def run_serving(arguments: argparse.Namespace) -> None:
    """`bin/bench serving`."""
    questions = [pair.question for pair in read_pairs(serving.QUESTIONS)]
    print_machine(f"{len(questions)} questions of the starter corpus")
    wanted = {"TRAINING_THREADS": arguments.threads, "TRAINING_PRIORITY": arguments.priority}
    settings = {name: str(value) for name, value in wanted.items() if value is not None}
    serving.measure_serving(serving.Plan(questions, arguments.rate, arguments.seconds, arguments.rounds, settings))


def run_parity(arguments: argparse.Namespace) -> None:
    """`bin/bench parity`."""
    print_machine(f"{arguments.models}")
    if not parity.compare(arguments.models):
        raise JaramError("not everything is as tensorflow/nmt gave it")


def run_peers(arguments: argparse.Namespace) -> None:
    """`bin/bench peers --install`."""
    peers.install()
