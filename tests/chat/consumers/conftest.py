"""Sockets of visitors: the application that they open, and the sessions that tell who they are."""

import pytest
from asgiref.sync import sync_to_async
from django.contrib import auth

from chat import exchange
from chatbot.routing import build_application


@pytest.fixture(scope="module")
def application():
    return build_application()


@pytest.fixture
async def visit():
    """Make a visitor's session and return the headers of its browser."""
    from django.contrib.sessions.backends.db import SessionStore

    def make(visitor, login=None, **cookies):
        session = SessionStore()
        session["visitor"] = visitor
        if login is not None:
            session.update(
                {
                    auth.SESSION_KEY: str(login.pk),
                    auth.BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
                    auth.HASH_SESSION_KEY: login.get_session_auth_hash(),
                }
            )
        session.create()
        pairs = {"sessionid": session.session_key, **cookies}
        return [(b"cookie", "; ".join(f"{name}={value}" for name, value in pairs.items()).encode())]

    return sync_to_async(make)


@pytest.fixture(autouse=True)
async def every_exchange_ends():
    yield
    await exchange.finish_all()
