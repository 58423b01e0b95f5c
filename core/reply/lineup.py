"""The same question to several kept models: each loaded when it is first asked, and kept only while there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.registry import Registry, RegistryError, Run
from core.reply.batcher import Batcher
from core.reply.errors import ReplyError, ReplyTimeout
from core.reply.loading import engine_loader, load_model
from core.reply.model import LiveModel, ModelRef
from core.reply.reply import Reply
from core.text import TextError, Tokenizer, get_analyser, normalise_question


@dataclass(frozen=True, slots=True)
class Room:
    """How much a lineup may keep.

    Attributes:
        models: most models at a time.
        bytes: most of their files together; a single model above it is refused.
        idle_seconds: after so long without a question all are given back.
    """

    models: int = 4
    bytes: int = 500_000_000
    idle_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class _Question:
    version: str
    tokens: Sequence[str]


class Lineup:
    """Asks one version at a time, in a thread of its own, so that the live model's askers hardly notice::

        with Lineup.open(registry) as lineup:
            for name in registry.names():
                print(name, lineup.ask(name, "안녕?", timeout=20).text)

    A version that is still being loaded when the caller's time is up goes on loading: asking again finds it further.

    Args:
        registry: where the versions are.
        tokenizer: of the analyser that they were trained with.
        load: makes a version ready to answer; raises `ReplyError`.
        room: how much is kept.
        queue_size: most questions that wait.
    """

    def __init__(
        self,
        registry: Registry,
        tokenizer: Tokenizer,
        load: Callable[[ModelRef], LiveModel],
        *,
        room: Room | None = None,
        queue_size: int = 32,
    ) -> None:
        self._registry = registry
        self._tokenizer = tokenizer
        self._load = load
        self._room = room or Room()
        self._kept: OrderedDict[str, tuple[LiveModel, int]] = OrderedDict()
        self._lock = threading.Lock()  # around what is kept: the timer and the asking thread share it
        self._timer: threading.Timer | None = None
        self._batcher: Batcher[_Question, Reply | ReplyError] = Batcher(
            self._answer, max_batch=1, max_wait=0.0, queue_size=queue_size
        )

    @classmethod
    def open(cls, registry: Registry, *, analyser: str = "konlpy", room: Room | None = None) -> Lineup:
        """A lineup of the engine's models; none is loaded yet. Raises `ReplyError` when there is no such analyser."""
        try:
            tokenizer = Tokenizer(get_analyser(analyser))
        except TextError as error:
            raise ReplyError(str(error)) from error
        load = engine_loader()
        return cls(registry, tokenizer, lambda ref: load_model(ref, load, tokenizer), room=room)

    @property
    def kept(self) -> list[str]:
        """The names of the loaded versions, the one asked last at the end."""
        with self._lock:
            return list(self._kept)

    def ask(self, version: str, text: str, *, timeout: float) -> Reply:
        """What the version answers; blocks until then, or until `timeout` seconds are over.

        Raises `ReplyTimeout` when it takes longer, `ReplyBusy` when too many questions are waiting, and `ReplyError`
        with the reason when the version is missing, damaged or can't be loaded, or the text can't be read.
        """
        try:
            tokens = self._tokenizer.split(normalise_question(text))
        except (TextError, UnicodeError) as error:
            raise ReplyError(f"the question can't be read: {error}") from error
        future = self._batcher.submit(_Question(version, tokens))
        try:
            answer = future.result(timeout)
        except TimeoutError as error:
            future.cancel()  # one that waits takes nobody's time; one that is running loads its model to the end
            raise ReplyTimeout(f"{version} gave no answer within {timeout:g} seconds") from error
        if isinstance(answer, ReplyError):
            raise answer
        return answer

    def close(self, timeout: float | None = None) -> None:
        """End the thread and give the models back."""
        self._batcher.close(timeout)
        if self._timer is not None:
            self._timer.cancel()
        self._forget()

    def __enter__(self) -> Lineup:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _answer(self, questions: Sequence[_Question]) -> list[Reply | ReplyError]:
        return [self._answer_one(question) for question in questions]

    def _answer_one(self, question: _Question) -> Reply | ReplyError:
        """An answer, or the reason why there is none: a reason is no failure of the thread."""
        try:
            return self._model(question.version).answer([question.tokens])[0]
        except ReplyError as error:
            return error
        except RegistryError as error:
            return ReplyError(str(error))
        finally:
            self._forget_later()

    def _model(self, version: str) -> LiveModel:
        with self._lock:
            if version in self._kept:
                self._kept.move_to_end(version)
                return self._kept[version][0]
        run = self._registry.get(version)
        self._registry.verify(run)
        size = _size(run)
        if size > self._room.bytes:
            raise ReplyError(
                f"{version} takes {size / 1e6:.0f} MB, more than the {self._room.bytes / 1e6:.0f} MB set aside "
                "for comparing versions"
            )
        self._make_room(size)
        model = self._load(ModelRef(run.name, run.model_dir))
        with self._lock:
            self._kept[version] = model, size
        return model

    def _make_room(self, size: int) -> None:
        """Before loading, so that no more than the limit is ever held."""
        with self._lock:
            while self._kept and (
                len(self._kept) >= self._room.models
                or size + sum(kept for _, kept in self._kept.values()) > self._room.bytes
            ):
                self._kept.popitem(last=False)

    def _forget_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(self._room.idle_seconds, self._forget)
        self._timer.daemon = True
        self._timer.start()

    def _forget(self) -> None:
        with self._lock:
            self._kept.clear()


def _size(run: Run) -> int:
    """Bytes of what answering needs: the weights and vocabularies, not the state of the training."""
    resume = Path("model/ckpt")
    names = (Path(name) for name in run.manifest.files if name.startswith("model/"))
    return sum((run.path / name).stat().st_size for name in names if not name.is_relative_to(resume))
