"""`bin/bench inbox`: how long reviewers wait with many open rows, from a database of its own and through the product's
code: the page that comes first, a decision with the row that is next, and passing a row over.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from benchmarks.knowledge import open_database
from benchmarks.machine import print_table, say
from benchmarks.memory import Halves
from core.corpus import Pair

if TYPE_CHECKING:
    from django.test import Client

    from chat.models import Chat

SIZES = (1_000, 10_000, 100_000)

_TURNS = 9  # of which the median counts
_AT_ONCE = 2000  # rows of one statement
_ASKED = 0.8  # different questions among all that are asked
_REVIEWED, _COMPLAINED = 0.1, 0.02  # of the rows: approved ones beside the open, and open ones that displeased


def measure_inbox(pairs: Sequence[Pair], sizes: Sequence[int]) -> None:
    """Print what pages and decisions take at each of `sizes` open rows, made of halves of the questions in `pairs`."""
    with tempfile.TemporaryDirectory(prefix="jaram-bench-") as place:
        open_database(place)
        _collect_styles()
        lines = list(_measure(Rows(pairs), sorted(sizes)))
    say("")
    print_table(("open rows", "what", "median ms", "slowest ms", "queries"), lines)


class Rows:
    """Makes rows as visitors leave them: some were not known, some displeased, some were asked before."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._halves = Halves([pair.question for pair in pairs])
        self._answers = [pair.answer for pair in pairs]
        self._rng = random.Random(3)
        self._places: list[tuple[int, int]] = []
        self._made = 0

    def store(self, count: int) -> None:
        """Store rows until `count` are open, and approved ones beside them."""
        self._places = self._halves.draw(int(count * _ASKED))
        for start in range(self._made, count, _AT_ONCE):
            self._store([self._row() for _ in range(min(_AT_ONCE, count - start))])
        self._made = count

    def _store(self, rows: list[Chat]) -> None:
        from chat.models import Chat, Feedback, Visitor

        approved = [self._row(verify="approved") for _ in range(int(len(rows) * _REVIEWED))]
        Chat.objects.bulk_create(approved)
        stored = Chat.objects.bulk_create(rows)
        Visitor.objects.bulk_create((Visitor(key=row.session) for row in stored), ignore_conflicts=True)
        visitors = dict(Visitor.objects.values_list("key", "pk"))
        displeased = self._rng.sample(stored, int(len(stored) * _COMPLAINED))
        Feedback.objects.bulk_create(
            Feedback(chat=row, visitor_id=visitors[row.session], thumb="down") for row in displeased
        )

    def _row(self, **fields: Any) -> Chat:
        from django.utils import timezone

        from chat.models import Chat

        rng = self._rng
        answer, near = rng.choice(self._answers), rng.random()
        nearest = {"row": 1, "question": "가까운 질문", "answer": answer, "similarity": near}
        return Chat(
            question=self._halves.question(*rng.choice(self._places)),
            answer=answer,
            source=rng.choices(("memory", "neural", "fallback"), (5, 2, 3))[0],
            score=rng.random(),
            nearest=[nearest] * 10,
            candidates=[{"text": answer, "source": "memory", "score": rng.random()}] * 5,
            session=f"visitor {rng.randrange(2000)}",
            answered_at=timezone.now(),
            **fields,
        )


def _measure(rows: Rows, sizes: Sequence[int]) -> Iterator[tuple[str, ...]]:
    from chat.inbox.groups import open_questions
    from chat.inbox.queue import waiting

    client = _reviewer()
    for size in sizes:
        rows.store(size)
        begun = time.monotonic()
        open_questions().fill(pause=lambda _seconds: None)
        say(f"{waiting().count()} rows wait; those alike are gathered after {time.monotonic() - begun:.1f} s more")
        for name, act in _acts(client).items():
            yield (f"{size:,}", name, *_timed(act))


def _collect_styles() -> None:
    """What the pages name has to be there, as after `manage.py setup`."""
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=0)


def _reviewer() -> Client:
    """A browser in which somebody who may review is logged in."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.force_login(get_user_model().objects.create_superuser("reviewer"))
    return client


def _acts(client: Client) -> dict[str, Callable[[], object]]:
    from django.urls import reverse

    from chat.models import Claim

    def look() -> Any:
        return client.get(reverse("inbox:index"))

    def send(name: str, **form: str) -> Any:
        row = Claim.objects.order_by("pk").values_list("chat", flat=True)[0]
        return client.post(reverse(f"inbox:{name}", args=[row]), form, headers={"Accept": "application/json"})

    return {
        "the page": look,
        "a correction, and the next row": lambda: send("decide", kind="correct", answer="고친 답", resolve="keep"),
        "a rejection, and the next row": lambda: send("decide", kind="reject", resolve="keep"),
        "a row passed over": lambda: send("pass"),
    }


def _timed(act: Callable[[], Any]) -> tuple[str, str, str]:
    """Median and slowest of some turns in milliseconds, and the statements of one more."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    waited = []
    for _ in range(_TURNS):
        begun = time.perf_counter()
        response = act()
        waited.append(1000 * (time.perf_counter() - begun))
        if response.status_code != 200:
            raise RuntimeError(f"the inbox answered {response.status_code}")
    with CaptureQueriesContext(connection) as queries:
        act()
    return f"{statistics.median(waited):.0f}", f"{max(waited):.0f}", str(len(queries))
