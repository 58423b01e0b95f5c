"""The batcher on a fake engine: who goes together, what a failure reaches, what a full queue does."""

import threading
import time

import pytest

from core.reply.batcher import Batcher
from core.reply.errors import ReplyBusy, ReplyError


class Engine:
    """Doubles numbers; waits at its gate, which tests open, and notes each batch."""

    def __init__(self):
        self.gate = threading.Event()
        self.started = threading.Semaphore(0)
        self.batches = []

    def __call__(self, items):
        self.batches.append(list(items))
        self.started.release()
        assert self.gate.wait(10)
        if -1 in items:
            raise ZeroDivisionError("minus one")
        return [2 * item for item in items]


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture
def make_batcher(engine):
    made = []

    def make(run=None, **settings):
        made.append(Batcher(run or engine, **settings))
        return made[-1]

    yield make
    engine.gate.set()
    for batcher in made:
        batcher.close(5)


def busy(batcher, engine, item=0):
    """Give the engine one item to be busy with."""
    future = batcher.submit(item)
    assert engine.started.acquire(timeout=20)
    return future


def test_an_idle_engine_runs_at_once(make_batcher, engine):
    engine.gate.set()
    batcher = make_batcher(max_wait=10.0)
    start = time.monotonic()
    assert batcher.submit(21).result(5) == 42
    assert batcher.submit(1).result(5) == 2
    assert time.monotonic() - start < 5  # it did not wait for company


def test_what_comes_while_the_engine_is_busy_goes_together_and_in_order(make_batcher, engine):
    batcher = make_batcher(max_batch=4)
    first = busy(batcher, engine)
    rest = [batcher.submit(i) for i in range(1, 7)]
    engine.gate.set()
    assert [future.result(5) for future in [first, *rest]] == [0, 2, 4, 6, 8, 10, 12]
    assert engine.batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_a_batch_that_is_not_full_waits_a_little_for_latecomers(make_batcher, engine):
    batcher = make_batcher(max_wait=5.0, max_batch=3)
    first = busy(batcher, engine)
    waiting = batcher.submit(1)
    engine.gate.set()
    first.result(5)
    late = [batcher.submit(2), batcher.submit(3)]
    assert [future.result(4) for future in [waiting, *late]] == [2, 4, 6]
    assert engine.batches == [[0], [1, 2, 3]]


def test_a_failure_reaches_exactly_the_askers_of_its_batch(make_batcher, engine):
    batcher = make_batcher(max_batch=2, max_wait=0)
    first = busy(batcher, engine)
    doomed = [batcher.submit(-1), batcher.submit(5)]
    later = batcher.submit(6)
    engine.gate.set()
    assert first.result(5) == 0
    for future in doomed:
        with pytest.raises(ReplyError, match="minus one") as caught:
            future.result(5)
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert doomed[0].exception() is not doomed[1].exception()
    assert later.result(5) == 12


def test_the_thread_survives_a_failure(make_batcher, engine):
    engine.gate.set()
    batcher = make_batcher()
    with pytest.raises(ReplyError):
        batcher.submit(-1).result(5)
    assert batcher.submit(4).result(5) == 8


def test_too_few_answers_are_a_failure_not_a_wrong_answer(make_batcher):
    batcher = make_batcher(run=lambda items: items[1:])
    with pytest.raises(ReplyError, match="0 answers to 1 questions"):
        batcher.submit(1).result(5)


def test_a_full_queue_refuses_and_works_on(make_batcher, engine):
    batcher = make_batcher(queue_size=2)
    first = busy(batcher, engine)
    waiting = [batcher.submit(1), batcher.submit(2)]
    with pytest.raises(ReplyBusy, match="2 questions"):
        batcher.submit(3)
    engine.gate.set()
    assert [future.result(5) for future in [first, *waiting]] == [0, 2, 4]
    assert batcher.submit(3).result(5) == 6


def test_a_question_that_was_taken_back_is_not_run_and_holds_no_place(make_batcher, engine):
    batcher = make_batcher(queue_size=1)
    first = busy(batcher, engine)
    assert batcher.submit(1).cancel()
    other = batcher.submit(2)
    engine.gate.set()
    assert (first.result(5), other.result(5)) == (0, 4)
    assert engine.batches == [[0], [2]]


def test_a_batch_taken_back_whole_does_not_end_the_thread(make_batcher, engine):
    batcher = make_batcher()
    first = busy(batcher, engine)
    batcher.submit(1).cancel()
    engine.gate.set()
    first.result(5)
    assert batcher.submit(2).result(5) == 4
    assert engine.batches == [[0], [2]]


def test_closing_lets_the_running_batch_end_and_fails_what_waits(make_batcher, engine):
    batcher = make_batcher()
    running = busy(batcher, engine, 7)
    waiting = batcher.submit(1)
    closer = threading.Thread(target=batcher.close, args=(5,))
    closer.start()
    with pytest.raises(ReplyError, match="closed"):
        waiting.result(5)
    engine.gate.set()
    closer.join(5)
    assert running.result(0) == 14
    with pytest.raises(ReplyError, match="closed"):
        batcher.submit(2)


def test_closing_twice_does_no_harm(make_batcher):
    batcher = make_batcher()
    batcher.close(5)
    batcher.close(5)


def test_many_threads_each_get_the_answer_to_their_own_question(make_batcher, engine):
    engine.gate.set()
    batcher = make_batcher(max_batch=8, queue_size=1000)
    wrong = []

    def ask(base):
        for item in range(base, base + 50):
            if batcher.submit(item).result(5) != 2 * item:
                wrong.append(item)

    threads = [threading.Thread(target=ask, args=(1000 * n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert wrong == []
    assert sum(map(len, engine.batches)) == 1000
    assert max(map(len, engine.batches)) > 1


@pytest.mark.parametrize("settings", [{"max_batch": 0}, {"queue_size": 0}, {"max_wait": -1}])
def test_settings_that_cannot_work_are_refused(engine, settings):
    with pytest.raises(ValueError, match="too small"):
        Batcher(engine, **settings)
