import pytest
from channels.testing import WebsocketCommunicator

from chatbot.origins import SameOrigin, is_allowed


def headers(host="localhost:8000", origin=None):
    found = [(b"host", host.encode())] if host else []
    return found + ([(b"origin", origin.encode())] if origin is not None else [])


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8000", "http://localhost:8000"),
        ("LOCALHOST:8000", "http://localhost:8000"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("localhost", "http://localhost"),
        ("localhost", "https://localhost"),
        ("localhost:443", "https://localhost"),
        ("localhost:8000", None),
        (None, "http://localhost"),
    ],
)
def test_pages_of_this_host_may_talk(host, origin):
    assert is_allowed(headers(host, origin))


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://evil.example:8000",
        "http://localhost.evil.example:8000",
        "http://localhost:9000",
        "http://localhost",
        "http://127.0.0.1:8000",
        "http://user@evil.example",
        "http://localhost:8000@evil.example",
        "ftp://localhost:8000",
        "file://",
        "null",
        "",
        "http://[::1",
        "http://localhost:port",
        "http://localhost:99999999",
    ],
)
def test_pages_from_elsewhere_may_not(origin):
    assert not is_allowed(headers(origin=origin))


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "", "a b"])
def test_other_host_names_are_refused_even_to_their_own_pages(host):
    assert not is_allowed([(b"host", host.encode()), (b"origin", f"http://{host}".encode())])
    assert not is_allowed([(b"host", host.encode())])


def test_two_origins_are_refused():
    assert not is_allowed(headers(origin="http://localhost:8000") * 2)


def test_trusted_origins_of_the_settings_may_talk(settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://chat.example.kr", "https://*.jaram.kr"]
    assert is_allowed(headers(origin="https://chat.example.kr"))
    assert is_allowed(headers(origin="https://www.jaram.kr"))
    for origin in ("http://chat.example.kr", "https://evil.chat.example.kr", "https://eviljaram.kr"):
        assert not is_allowed(headers(origin=origin))


async def test_refused_socket_never_reaches_the_application():
    async def application(scope, receive, send):
        raise AssertionError("reached")

    socket = WebsocketCommunicator(SameOrigin(application), "/", headers=headers(origin="http://evil.example"))
    connected, _ = await socket.connect()
    assert not connected
