"""How far a training is, as a bar on the terminal: step, loss, speed, time left."""

import sys
from typing import TextIO

from tqdm import tqdm

from core.evolve import Progress

_TITLES = {"corpus": "corpus", "train": "training", "evaluate": "scoring", "publish": "publishing"}


class TrainingBar:
    """Shows each phase of a run as a bar of its own; give it to ``evolve`` as ``on_progress``::

        with TrainingBar() as bar:
            evolve(pairs, ..., on_progress=bar)

    On a terminal the bar moves; into a file it writes a line now and then.
    """

    def __init__(self, file: TextIO | None = None, *, silent: bool = False) -> None:
        self._file = file or sys.stderr
        self._silent = silent
        self._bar: tqdm | None = None
        self._phase = ""

    def __enter__(self) -> "TrainingBar":
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def __call__(self, progress: Progress) -> None:
        """Show the newest state."""
        if progress.phase != self._phase:
            self._close()
            self._phase = progress.phase
            self._bar = self._open(progress)
        bar = self._bar
        if bar is None:
            return
        bar.total = progress.total or None
        bar.set_postfix(_numbers(progress), refresh=False)
        # tqdm's own guess of the time left counts the engine's start as well, so the engine's is shown.
        bar.update(progress.step - bar.n)
        if self._file.isatty():
            bar.refresh()

    def _open(self, progress: Progress) -> tqdm:
        is_terminal = self._file.isatty()
        return tqdm(
            total=progress.total or None,
            desc=_TITLES[progress.phase],
            file=self._file,
            disable=self._silent,
            mininterval=0.1 if is_terminal else 10.0,
            dynamic_ncols=is_terminal,
            bar_format="{desc}: {percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
            if progress.total
            else "{desc}: {elapsed}",
        )

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _numbers(progress: Progress) -> dict[str, str]:
    numbers = {}
    if progress.loss is not None:
        numbers["loss"] = f"{progress.loss:.3f}"
    if progress.words_per_second is not None:
        numbers["words/s"] = f"{progress.words_per_second:,.0f}"
    if progress.dev_bleu is not None:
        numbers["dev BLEU"] = f"{progress.dev_bleu:.1f}"
    if progress.eta_s is not None:
        numbers["left"] = tqdm.format_interval(progress.eta_s)
    return numbers
