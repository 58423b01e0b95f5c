"""`bin/bench knowledge`: how long a server takes to know what was reviewed, from a database of its own and through the
product's code: all of it at the start, one decision between two questions, and a table that was imported meanwhile.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from benchmarks.machine import print_table, say
from benchmarks.memory import Clock, Halves, peak_megabytes
from core.corpus import Pair
from core.memory import Memory
from core.text import Tokenizer, get_analyser

if TYPE_CHECKING:
    from chat.knowledge.knowledge import Knowledge

_Taught = Sequence[tuple[str, str]]  # questions with their answers

_AT_ONCE = 2000  # rows of one import
_MORE = 1000  # rows that are reviewed, and deleted, while the server runs


def measure_knowledge(pairs: Sequence[Pair], count: int) -> None:
    """Print what it costs to take in `count` reviewed rows, made of halves of the questions of `pairs`."""
    halves = Halves([pair.question for pair in pairs])
    drawn = [halves.question(*places) for places in halves.draw(count + _MORE)]
    taught = [(question, pairs[number % len(pairs)].answer) for number, question in enumerate(drawn)]
    with tempfile.TemporaryDirectory(prefix="jaram-bench-") as place:
        open_database(place)
        rows = _measure(taught[:count], taught[count:])
    say("")
    print_table(
        ("what", "seconds by the clock", "of the processor", "rows a second"),
        [(name, f"{clock:.3g}", f"{cpu:.3g}", f"{n / clock:,.0f}") for name, n, (clock, cpu) in rows],
    )


def open_database(place: str) -> None:
    """Set Django up with an empty database below `place`, whatever is installed on this machine."""
    os.environ |= {"DATA_DIR": place, "SECRET_KEY": "measured", "DJANGO_SETTINGS_MODULE": "chatbot.settings"}
    os.environ.pop("DATABASE_URL", None)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _measure(taught: _Taught, more: _Taught) -> list[tuple[str, int, tuple[float, float]]]:
    """What was done, with how many rows, and its seconds by the clock and of the processor."""
    from chat.knowledge.knowledge import Knowledge
    from chat.models import Chat

    _store(taught)
    knowledge = Knowledge(Memory(Tokenizer(get_analyser())))
    before = peak_megabytes()
    rows = [("load at the start", len(taught), _timed(knowledge.load))]
    say(f"\n{knowledge.memory.size} rows loaded, {peak_megabytes() - before:.0f} MB more than before at the peak")
    one, *rest = more
    _store([one])
    rows.append(("one approved row", 1, _timed(lambda: _sync(knowledge, one))))
    _store(rest)
    rows.append((f"{len(rest)} rows imported at once", len(rest), _timed(lambda: _sync(knowledge, rest[-1]))))
    newest = Chat.objects.filter(pk__in=list(Chat.objects.order_by("-pk").values_list("pk", flat=True)[: len(more)]))
    rows.append((f"{len(more)} rows deleted in the admin", len(more), _timed(newest.delete)))
    rows.append(("the same, forgotten", len(more), _timed(lambda: _sync(knowledge, None))))
    return rows


def _store(taught: _Taught) -> None:
    from chat import services
    from chat.models import Chat

    for start in range(0, len(taught), _AT_ONCE):
        pairs = [services.NewPair(question, answer) for question, answer in taught[start : start + _AT_ONCE]]
        services.add_pairs(pairs=pairs, origin=Chat.Origin.IMPORT, approve=True)


def _sync(knowledge: Knowledge, newest: tuple[str, str] | None) -> None:
    """Take in what changed, as before each question; the `newest` row is known then."""
    knowledge.sync()
    if newest is not None and newest[1] not in {match.answer for match in knowledge.memory.find(newest[0])}:
        raise RuntimeError("what was approved is not known")


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    begun = Clock()
    work()
    return begun.passed()
