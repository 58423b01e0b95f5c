"""`bin/bench profile`: where a training step's time goes, by TensorFlow's own profiler."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.drivers.jaram_shape import STATS, make_hparams
from benchmarks.drivers.protocol import Setup
from benchmarks.machine import print_table, say

# Steps before the profiler starts; as all it does, that falls on a log line.
WARM_UP = 3 * STATS

# A thread's share of an operation that was cut into parts; the operation's own row is the part of the first thread.
POOL = "ParallelFor"


def profile_training(setup: Setup, steps: int, top: int) -> None:
    """Train a little, and print the operations that took the most time, all threads together."""
    steps = max(STATS, steps // STATS * STATS)
    with tempfile.TemporaryDirectory() as scratch:
        seconds = _train(setup, steps, Path(scratch))
        (trace,) = Path(scratch).glob("**/*.xplane.pb")
        times, calls = _operations(trace)
    total = sum(times.values())
    say(f"\n{steps} steps, {1000 * seconds / steps:.0f} ms each while the profiler looked on\n")
    rows = (
        (
            name if name != POOL else "(other threads' parts of these)",
            f"{1000 * spent / steps:.1f}",
            f"{spent / total:.0%}",
            f"{calls[name] / steps:.0f}",
        )
        for name, spent in times.most_common(top)
    )
    print_table(("operation", "ms a step, all threads", "share", "times a step"), rows)


def _train(setup: Setup, steps: int, scratch: Path) -> float:
    """Train with the profiler on for the last `steps` steps; the seconds that those took."""
    import tensorflow as tf

    from core.nmt.training import DataPrefixes, Event, train

    seconds = 0.0

    def watch(event: Event) -> None:
        nonlocal seconds
        if event.phase != "train":
            return
        if event.step == WARM_UP:
            tf.profiler.experimental.start(str(scratch))
        elif event.step > WARM_UP:
            seconds += event.values["step_time"] * STATS
            if event.step == event.total:
                tf.profiler.experimental.stop()

    hparams = replace(make_hparams(setup, WARM_UP + steps), summaries=False)
    train(hparams, DataPrefixes(setup.file("vocab"), setup.file("train")), scratch / "model", watch)
    return seconds


def _operations(trace: Path) -> tuple[Counter[str], Counter[str]]:
    """Seconds by kind of operation, without those of operations inside it, and how often each ran."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(trace.read_bytes())
    times: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for plane in space.planes:
        for line in plane.lines:
            for kind, spent in _own_times(line, plane.event_metadata):
                times[kind] += spent
                calls[kind] += 1
    return times, calls


def _own_times(line: Any, names: Any) -> Iterator[tuple[str, float]]:
    """Each operation of one thread and its seconds, less those of what it called."""
    events = sorted(line.events, key=lambda event: (event.offset_ps, -event.duration_ps))
    open_events: list[list[Any]] = []  # kind, end, seconds

    def closed(until: int) -> Iterator[tuple[str, float]]:
        while open_events and open_events[-1][1] <= until:
            kind, _, spent = open_events.pop()
            if kind:
                yield kind, spent

    for event in events:
        yield from closed(event.offset_ps)
        # An operation is named place:kind; what is named otherwise is TensorFlow's own housekeeping.
        name = names[event.metadata_id].name
        is_operation = ":" in name and "::" not in name
        kind = name if name == POOL else name.rpartition(":")[2] if is_operation else ""
        if open_events:
            open_events[-1][2] -= event.duration_ps / 1e12
        open_events.append([kind, event.offset_ps + event.duration_ps, event.duration_ps / 1e12])
    yield from closed(2**63)
