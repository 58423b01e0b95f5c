import asyncio
import threading
import time

import pytest
from django.db import OperationalError, connection

from chat.database import in_thread
from chat.models import Chat

pytestmark = pytest.mark.django_db(transaction=True)


def one():
    with connection.cursor() as cursor:
        return cursor.execute("SELECT 1").fetchone()[0]


async def test_calls_run_side_by_side_in_threads_of_their_own(settings):
    everyone = threading.Barrier(settings.DATABASE_THREADS, timeout=20)

    def wait(number):
        everyone.wait()  # passes once all are here, or fails
        return number, threading.current_thread().name

    done = await asyncio.gather(*(in_thread(wait, number) for number in range(settings.DATABASE_THREADS)))
    assert [number for number, _ in done] == list(range(settings.DATABASE_THREADS))
    assert all(name.startswith("chat-database") for _, name in done)


async def test_there_are_never_more_threads_than_the_setting_says(settings):
    def name():
        time.sleep(0.005)
        return threading.current_thread().name

    names = await asyncio.gather(*(in_thread(name) for _ in range(60)))
    assert len(set(names)) <= settings.DATABASE_THREADS


async def test_each_thread_keeps_its_connection():
    def identity():
        one()
        return threading.current_thread().name, id(connection.connection)

    seen = {await in_thread(identity) for _ in range(30)}
    assert len(seen) == len({name for name, _ in seen})


async def test_a_broken_connection_is_replaced():
    def is_usable():
        del connection.is_usable  # asked once: what replaces it works
        return False

    def break_it():
        one()
        connection.errors_occurred = True
        connection.is_usable = is_usable  # as after a restart of the database
        return threading.current_thread().name, connection.connection

    def look():
        one()
        return threading.current_thread().name, connection.connection

    name, broken = await in_thread(break_it)
    found = [await in_thread(look) for _ in range(30)]
    assert all(raw is not broken for other, raw in found if other == name)
    assert name in {other for other, _ in found}


async def test_an_error_reaches_the_caller_and_the_next_call_works():
    def fail():
        raise OperationalError("database is locked")

    with pytest.raises(OperationalError):
        await in_thread(fail)
    assert await in_thread(one) == 1


async def test_a_cancelled_caller_stops_no_call_that_has_begun():
    begun = threading.Event()

    def store():
        begun.set()
        time.sleep(0.1)
        Chat.objects.create(question="안녕")

    task = asyncio.create_task(in_thread(store))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.3)
    assert await Chat.objects.acount() == 1
