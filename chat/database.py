"""Threads that talk to the database for the websockets. Knows nothing of what is asked.

Django sends database work of async code to one thread shared by the whole process, where one slow query
holds up everybody. These threads are separate and several, and there is an upper limit on them (and so on
connections).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

from channels.db import DatabaseSyncToAsync
from django.conf import settings

P = ParamSpec("P")
R = TypeVar("R")


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.DATABASE_THREADS, thread_name_prefix="chat-database")


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call ``function`` in one of the threads; its connection is closed afterwards by Django's own rules.

    A call that has begun runs to its end even when the awaiting task is cancelled.
    """
    call = DatabaseSyncToAsync(function, thread_sensitive=False, executor=_threads())
    return await call(*args, **kwargs)
