"""Threads that talk to the database for the websockets. Knows nothing of what is asked.

Django sends database work of async code to one thread shared by the whole process, where one slow query holds
up everybody. These threads are separate and several, and there is an upper limit on them (and so on
connections). Each keeps its connection: opening one costs more than a question and its answer.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections

P = ParamSpec("P")
R = TypeVar("R")


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.DATABASE_THREADS, thread_name_prefix="chat-database")


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call ``function`` in one of the threads.

    A call that has begun runs to its end even when the awaiting task is cancelled.
    """
    call = sync_to_async(_with_live_connection, thread_sensitive=False, executor=_threads())
    return await call(partial(function, *args, **kwargs))


def _with_live_connection(function: Callable[[], R]) -> R:
    """Call with a connection that works: one that an error broke, or that the server closed, is replaced."""
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()
    try:
        return function()
    finally:
        for connection in connections.all(initialized_only=True):
            connection.close_at = None  # CONN_MAX_AGE is for the threads of requests, which end with them
