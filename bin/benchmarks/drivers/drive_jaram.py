"""Drives this project's engine: the training of `python -m core.nmt`, and `Translator`."""

from __future__ import annotations

import os
import queue
import shutil
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as bin/serve does
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from jaram_shape import STATS, make_hparams
from protocol import Setup, read_setup, serve


def limit_threads(setup: Setup) -> None:
    """As the engine's own command does, before TensorFlow has begun."""
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    import tensorflow as tf

    tf.config.threading.set_inter_op_parallelism_threads(setup.threads)
    tf.config.threading.set_intra_op_parallelism_threads(setup.threads)


class Training:
    """A training in a thread of its own that stands still between two turns."""

    def __init__(self, setup: Setup, steps: int = 1_000_000) -> None:
        limit_threads(setup)
        self._setup = setup
        self._steps = steps
        self._go: queue.Queue[None] = queue.Queue()
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._thread = threading.Thread(target=self._train, daemon=True)

    def turn(self, steps: int) -> dict[str, float]:
        """Train at least `steps` more: seconds, and tokens of both sides together."""
        tokens, done, start = 0.0, 0, time.perf_counter()
        while done < steps:
            if self._thread.is_alive():
                self._go.put(None)
            else:
                self._thread.start()
            values = self._events.get()
            if "error" in values:
                raise RuntimeError(values["error"])
            done += STATS
            tokens += values["wps"] * values["step_time"] * STATS
        return {"steps": done, "seconds": time.perf_counter() - start, "tokens": tokens}

    def fit(self) -> None:
        """Train to the end."""
        from core.nmt.training import DataPrefixes, train

        prefixes = DataPrefixes(self._setup.file("vocab"), self._setup.file("train"))
        train(make_hparams(self._setup, self._steps), prefixes, self._setup.place("model"), lambda event: None)

    def _train(self) -> None:
        from core.nmt.training import DataPrefixes, Event, train

        def report(event: Event) -> None:
            if event.phase == "train":
                self._events.put(event.values)
                self._go.get()

        shutil.rmtree(self._setup.place("turns"), ignore_errors=True)  # never go on from another training
        prefixes = DataPrefixes(self._setup.file("vocab"), self._setup.file("train"))
        try:
            train(make_hparams(self._setup, self._steps), prefixes, self._setup.place("turns"), report)
        except Exception as error:  # noqa: BLE001 — handed over to the thread that waits for it
            self._events.put({"error": repr(error)})


def measure_peak(seconds: float) -> dict[str, float]:
    """GFLOP/s of the fastest float32 product of some square sizes, by TensorFlow and by NumPy."""
    import numpy as np
    import tensorflow as tf

    best = {"tensorflow": 0.0, "numpy": 0.0}
    product = tf.function(lambda a, b: a @ b, autograph=False)
    sizes = (512, 1024, 2048)
    operands = {n: tuple(np.random.default_rng(n).standard_normal((2, n, n), np.float32)) for n in sizes}
    tensors = {n: tuple(map(tf.constant, pair)) for n, pair in operands.items()}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for n in sizes:
            for name, run in (
                ("tensorflow", lambda n=n: product(*tensors[n]).numpy()),
                ("numpy", lambda n=n: np.dot(*operands[n])),
            ):
                start = time.perf_counter()
                run()
                best[name] = max(best[name], 2 * n**3 / (time.perf_counter() - start) / 1e9)
    return best


class Replies:
    """The trained model as the server uses it."""

    def __init__(self, setup: Setup) -> None:
        limit_threads(setup)
        self._model = setup.place("model")
        self._translators: dict[int, Any] = {}

    def translator(self, beam_width: int) -> Any:
        """The translator of one beam width, warmed up."""
        from core.nmt.inference import Translator

        if beam_width not in self._translators:
            self._translators[beam_width] = Translator(self._model, beam_width=beam_width)
            self._translators[beam_width].warm_up()
        return self._translators[beam_width]

    def reply(self, batches: list[list[list[str]]], beam_width: int) -> dict[str, Any]:
        """Seconds of each batch, and the tokens that came out of it."""
        translator, seconds, tokens = self.translator(beam_width), [], []
        for batch in batches:
            start = time.perf_counter()
            answers = translator.translate(batch)
            seconds.append(time.perf_counter() - start)
            tokens.append(sum(len(answer.tokens) for answer in answers))
        return {"seconds": seconds, "tokens": tokens}


def main() -> None:
    """Serve one mode."""
    setup, mode = read_setup()
    versions = {"engine": "Jaram", "tensorflow-cpu": version("tensorflow-cpu"), "numpy": version("numpy")}
    if mode == "train":
        training = Training(setup)
        serve({"train": training.turn, "peak": measure_peak}, versions)
    elif mode == "fit":
        serve({"fit": lambda steps: Training(setup, steps).fit() or {}}, versions)
    else:
        serve({"reply": Replies(setup).reply}, versions)


if __name__ == "__main__":
    main()
