"""Many askers, one worker: what waits together is answered together.

It knows neither text nor models: it carries items to a function and its results back to futures.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from core.reply.errors import ReplyBusy, ReplyError

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Runs `run` in a thread of its own, on up to `max_batch` items at a time.

    An item that finds the worker idle is run at once and alone. Those that come while it is busy wait, and go
    together; a batch that is not full then waits up to `max_wait` seconds for more, as askers who just got their
    answer often ask again at once.

    Args:
        run: items → as many results, in their order. An exception reaches the askers of that batch alone.
        max_batch: most items of a batch.
        max_wait: seconds.
        queue_size: most items that wait; one more is refused with `ReplyBusy`.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        max_batch: int = 32,
        max_wait: float = 0.005,
        queue_size: int = 256,
    ) -> None:
        if max_batch < 1 or queue_size < 1 or max_wait < 0:
            raise ValueError(f"max_batch={max_batch}, queue_size={queue_size}, max_wait={max_wait}: too small")
        self._run = run
        self._max_batch = max_batch
        self._max_wait = max_wait
        self._queue_size = queue_size
        self._waiting: deque[tuple[Item, Future[Result]]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="reply-batcher", daemon=True)
        self._thread.start()

    def submit(self, item: Item) -> Future[Result]:
        """Queue an item. Cancel the future to take it back; one that is running already goes on unseen.

        Raises `ReplyBusy` when the queue is full, `ReplyError` after `close`.
        """
        future: Future[Result] = Future()
        with self._changed:
            if self._closed:
                raise ReplyError("the responder is closed")
            if len(self._waiting) >= self._queue_size:
                self._drop_cancelled()
            if len(self._waiting) >= self._queue_size:
                raise ReplyBusy(f"{self._queue_size} questions are waiting already: ask again in a moment")
            self._waiting.append((item, future))
            self._changed.notify()
        return future

    def close(self, timeout: float | None = None) -> None:
        """Fail what waits, let the running batch end, and end the thread; wait for that up to `timeout` seconds."""
        with self._changed:
            self._closed = True
            waiting, self._waiting = list(self._waiting), deque()
            self._changed.notify()
        for _, future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(ReplyError("the responder was closed before it could answer"))
        self._thread.join(timeout)
        if self._thread.is_alive():
            logger.error("the engine did not end within %s s; its thread is left to end with the process", timeout)

    def _work(self) -> None:
        while not self._closed:
            self._answer(self._next_batch())

    def _next_batch(self) -> list[tuple[Item, Future[Result]]]:
        """Wait for items and take them; an empty list when they were all taken back, and after `close`."""
        with self._changed:
            was_idle = not self._waiting
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not was_idle:
                self._changed.wait_for(lambda: len(self._waiting) >= self._max_batch or self._closed, self._max_wait)
            return [self._waiting.popleft() for _ in range(min(self._max_batch, len(self._waiting)))]

    def _answer(self, batch: list[tuple[Item, Future[Result]]]) -> None:
        batch = [(item, future) for item, future in batch if future.set_running_or_notify_cancel()]
        if not batch:
            return
        started = time.perf_counter()
        try:
            results = list(self._run([item for item, _ in batch]))
            if len(results) != len(batch):
                raise ReplyError(f"the engine gave {len(results)} answers to {len(batch)} questions")
        except Exception as error:  # whatever the engine raises, the thread must live on
            logger.error("a batch of %d questions failed", len(batch), exc_info=error)
            for _, future in batch:
                future.set_exception(_failure(error))
            return
        logger.debug("answered %d questions in %.3f s", len(batch), time.perf_counter() - started)
        for (_, future), result in zip(batch, results, strict=True):
            future.set_result(result)

    def _drop_cancelled(self) -> None:
        self._waiting = deque(entry for entry in self._waiting if not entry[1].cancelled())


def _failure(error: Exception) -> ReplyError:
    """An exception for one asker: shared ones would gather the tracebacks of all threads they are raised in."""
    failure = ReplyError(f"the engine failed: {error}")
    failure.__cause__ = error
    return failure
