"""The responder: what the server and the console ask."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType

from core.memory import Memory
from core.registry import Registry
from core.reply.answerer import Answerer, Question, Sentences
from core.reply.batcher import Batcher
from core.reply.blocklist import Blocklist
from core.reply.errors import ReplyError, ReplyTimeout
from core.reply.loading import engine_loader, load_model
from core.reply.model import LiveModel, Loader, ModelRef
from core.reply.reply import MODES, Mode, Reply
from core.reply.swap import CurrentModel, FixedModel, HotSwap, ModelSource
from core.text import TextError, Tokenizer, get_analyser, normalise_question

_CLOSING_SECONDS = 30.0  # for the batch that runs, and for a model that is being loaded


class Responder:
    """Text → `Reply`, for any number of threads and event loops at once::

        with Responder.open(Path("data")) as responder:
            print(responder.reply("안녕?").text)

    `open` makes one; the constructor takes the parts.

    Attributes:
        rules: what is blocked. Another list, put in its place whole, holds from the next question on.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        models: HotSwap,
        *,
        memory: Memory | None = None,
        mode: Mode = "hybrid",
        timeout: float = 20.0,
        max_batch: int = 32,
        max_wait: float = 0.005,
        queue_size: int = 256,
    ) -> None:
        self._tokenizer = tokenizer
        self._models = models
        self._memory = memory
        self._mode: Mode = _known(mode)
        self._timeout = timeout
        self._sentences = Sentences()
        self.rules = Blocklist()
        self._batcher: Batcher[Question, Reply] = Batcher(
            self._answer, max_batch=max_batch, max_wait=max_wait, queue_size=queue_size
        )

    @classmethod
    def open(
        cls,
        data_dir: Path,
        *,
        out_dir: Path | None = None,
        memory: Memory | None = None,
        mode: Mode = "hybrid",
        beam_width: int | None = None,
        analyser: str = "konlpy",
        max_batch: int = 32,
        max_wait: float = 0.005,
        queue_size: int = 256,
        timeout: float = 20.0,
        watch: bool = True,
        load: Loader | None = None,
    ) -> Responder:
        """Load and warm the live model, which takes seconds, and be ready to answer.

        Args:
            data_dir: `data/`; its `current` names the live model.
            out_dir: a `model/` directory that is used instead, and never swapped.
            memory: what reviewers taught. Without one, each model answers from what its own run was trained with, where
                its directory has that.
            mode: who may answer, where a question says nothing else.
            beam_width: of the search; None as the model's hyperparameters say, 0 greedy.
            analyser: the morpheme analyser that the model was trained with.
            max_batch, max_wait, queue_size: see `Batcher`.
            timeout: seconds a caller waits for an answer.
            watch: take a new live model while running.
            load: makes a translator from a `ModelRef`; the engine's unless a test brings its own.

        Raises `ReplyError` when there is no usable model or analyser.
        """
        load = load or engine_loader(beam_width)
        try:
            tokenizer = Tokenizer(get_analyser(analyser))
        except TextError as error:
            raise ReplyError(str(error)) from error

        def load_live(ref: ModelRef) -> LiveModel:
            return load_model(ref, load, tokenizer, with_memory=memory is None and mode != "neural")

        source: ModelSource = FixedModel(out_dir) if out_dir is not None else CurrentModel(Registry(data_dir))
        models = HotSwap(source, load_live, interval=0.5 if watch and out_dir is None else None)
        return cls(
            tokenizer,
            models,
            memory=memory,
            mode=mode,
            timeout=timeout,
            max_batch=max_batch,
            max_wait=max_wait,
            queue_size=queue_size,
        )

    @property
    def live(self) -> LiveModel:
        """The model that answers now."""
        return self._models.live

    @property
    def model(self) -> str:
        """The name of the model that answers now."""
        return self._models.live.name

    def submit(self, text: str, *, mode: Mode | None = None, avoid: str = "") -> Future[Reply]:
        """Queue a question; the future holds the reply or a `ReplyError`. It does not time out by itself.

        Args:
            text: the question.
            mode: who may answer; None as the responder was opened.
            avoid: the answer that this asker was given last. A fallback is never it.

        Raises `ReplyBusy` when too many are waiting, `ReplyError` when the text can't be taken apart or there is no
        such mode.
        """
        who = self._mode if mode is None else _known(mode)
        try:
            # Done here, not in the batch: a text that makes the analyser fail must fail its own asker alone.
            tokens = self._tokenizer.split(normalise_question(text))
        except (TextError, UnicodeError) as error:
            raise ReplyError(f"the question can't be read: {error}") from error
        return self._batcher.submit(Question(text, tokens, who, avoid))

    def reply(self, text: str, *, mode: Mode | None = None, avoid: str = "") -> Reply:
        """The answer to `text`; blocks until it is there. The arguments are those of `submit`.

        Raises `ReplyTimeout` after the timeout, else as `submit`, and `ReplyError` when the engine fails.
        """
        future = self.submit(text, mode=mode, avoid=avoid)
        try:
            return future.result(self._timeout)
        except TimeoutError as error:
            future.cancel()
            raise self._late() from error

    async def areply(self, text: str, *, mode: Mode | None = None, avoid: str = "") -> Reply:
        """The same for coroutines: it blocks no event loop, and a cancelled caller's question is taken back."""
        future = self.submit(text, mode=mode, avoid=avoid)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._timeout)
        except TimeoutError as error:
            raise self._late() from error

    def close(self) -> None:
        """End all threads. Questions that still wait fail with `ReplyError`, and so do later ones."""
        self._batcher.close(_CLOSING_SECONDS)
        self._models.close(_CLOSING_SECONDS)

    def __enter__(self) -> Responder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self, questions: Sequence[Question]) -> list[Reply]:
        live = self._models.live
        memory = live.own_memory if self._memory is None else self._memory
        return Answerer(live, memory, self.rules, self._sentences).answer(questions)

    def _late(self) -> ReplyTimeout:
        return ReplyTimeout(f"no answer within {self._timeout:g} seconds")


def _known(mode: Mode) -> Mode:
    if mode not in MODES:
        raise ReplyError(f"no reply mode {mode!r}: choose one of {', '.join(MODES)}")
    return mode
