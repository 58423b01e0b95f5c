"""The live model and its successor: which one to load, and when to swap."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from core.registry import INITIAL, Registry, RegistryError, Run
from core.reply.errors import ReplyError
from core.reply.model import LiveModel, ModelRef

logger = logging.getLogger(__name__)


class ModelSource(Protocol):
    """Where the live model is to be found."""

    def marker(self) -> object:
        """Something cheap to have that changes whenever another model may be live."""
        ...

    def find(self) -> ModelRef:
        """The model that ought to be live. Raises `ReplyError` when there is none, or a damaged one."""
        ...


class FixedModel:
    """A `model/` directory named by hand, as `OUT_DIR` and `--out_dir` do. It is called after its run."""

    def __init__(self, model_dir: Path) -> None:
        self._model_dir = model_dir

    def marker(self) -> object:
        """Always the same."""
        return None

    def find(self) -> ModelRef:
        """See `ModelSource`."""
        if not self._model_dir.is_dir():
            raise ReplyError(f"no model in {self._model_dir}: name the model/ directory of a run")
        resolved = self._model_dir.resolve()
        return ModelRef(resolved.parent.name if resolved.name == "model" else resolved.name, self._model_dir)


class CurrentModel:
    """What `data/current` points to; the bundled model where nothing was published yet."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def marker(self) -> object:
        """The link's target and identity, so that publishing the same run again counts as a change too."""
        link = self._registry.current_link
        try:
            status = link.lstat()
            return os.readlink(link), status.st_ino, status.st_mtime_ns
        except OSError:
            return None

    def find(self) -> ModelRef:
        """See `ModelSource`. The files' sums are checked."""
        try:
            run = self._registry.current() or self._bundled()
            self._registry.verify(run)
        except RegistryError as error:
            raise ReplyError(f"no usable model: {error}") from error
        return ModelRef(run.name, run.model_dir)

    def _bundled(self) -> Run:
        try:
            return self._registry.get(INITIAL)
        except RegistryError as error:
            raise ReplyError(
                f"no model in {self._registry.data_dir}: run manage.py makedata, or name one with --out_dir"
            ) from error


class HotSwap:
    """Holds the live model and replaces it when its source names another one.

    The new model is loaded and warmed beside the old one in a thread of its own; then one reference is swapped.
    One that can't be loaded is logged and not tried again until the source changes; the old one goes on.

    Args:
        source: which model ought to be live.
        load: makes it ready to answer; any exception refuses it.
        interval: seconds between looks at the source; None never looks again.
    """

    def __init__(
        self, source: ModelSource, load: Callable[[ModelRef], LiveModel], *, interval: float | None = 0.5
    ) -> None:
        self._source = source
        self._load = load
        self._seen = source.marker()
        self._live = load(source.find())
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        if interval is not None:
            self._thread = threading.Thread(target=self._watch, args=(interval,), name="model-watcher", daemon=True)
            self._thread.start()

    @property
    def live(self) -> LiveModel:
        """The model to answer with. Take it once per batch: the next look may give another."""
        return self._live

    def close(self, timeout: float | None = None) -> None:
        """End the watching."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _watch(self, interval: float) -> None:
        while not self._stop.wait(interval):
            marker = self._source.marker()
            if marker is not None and marker != self._seen:
                # Noted before loading: if it changes again meanwhile, the next look sees that.
                self._seen = marker
                self._swap()

    def _swap(self) -> None:
        try:
            ref = self._source.find()
            if ref.name == self._live.name:
                return
            new = self._load(ref)
        except Exception as error:  # noqa: BLE001  a bad model may raise anything, and the old one must go on
            logger.error("the new model is refused, %s goes on answering: %s", self._live.name, error)
            return
        old, self._live = self._live, new
        logger.info("%s answers now, %s no more", new.name, old.name)
