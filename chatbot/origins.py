"""Which pages may open a websocket here: pages of this host, and those of CSRF_TRUSTED_ORIGINS."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import is_same_domain, split_domain_port, validate_host

Scope = dict[str, Any]
AsgiApp = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

_DEFAULT_PORTS = {"http": "80", "https": "443"}


class SameOrigin:
    """Refuses the handshake of a page from elsewhere; a browser always tells where its page came from.

    A client without an Origin header is no browser page: no visitor's cookies can be misused through it.
    """

    def __init__(self, application: AsgiApp) -> None:
        self.application = application
        self._denier = WebsocketDenier.as_asgi()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass the connection on, or refuse it."""
        application = self.application if is_allowed(scope["headers"]) else self._denier
        await application(scope, receive, send)


def is_allowed(headers: list[tuple[bytes, bytes]]) -> bool:
    """Tell whether a handshake with these headers comes from a page of this site."""
    host = _header(headers, b"host")
    origins = [value.decode("latin1") for name, value in headers if name == b"origin"]
    if host is not None and not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    if not origins:
        return True
    return len(origins) == 1 and _is_ours(origins[0].strip().lower(), host)


def _header(headers: list[tuple[bytes, bytes]], wanted: bytes) -> str | None:
    return next((value.decode("latin1").strip().lower() for name, value in headers if name == wanted), None)


def _is_ours(origin: str, host: str | None) -> bool:
    try:
        parts = urlsplit(origin)
        port = str(parts.port or _DEFAULT_PORTS.get(parts.scheme, ""))
    except ValueError:  # a port that is no number, or a broken IPv6 address
        return False
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return False
    if any(_is_trusted(origin, parts, pattern.lower()) for pattern in settings.CSRF_TRUSTED_ORIGINS):
        return True
    domain = split_domain_port(parts.netloc)[0]
    if host is None:
        return validate_host(domain, settings.ALLOWED_HOSTS)
    host_domain, host_port = split_domain_port(host)
    return domain == host_domain and port == (host_port or _DEFAULT_PORTS[parts.scheme])


def _is_trusted(origin: str, parts: SplitResult, pattern: str) -> bool:
    """Match one entry of CSRF_TRUSTED_ORIGINS, with Django's meaning of ``https://*.example.com``."""
    if "*" not in pattern:
        return origin == pattern
    wanted = urlsplit(pattern)
    return parts.scheme == wanted.scheme and is_same_domain(parts.netloc, wanted.netloc.lstrip("*"))
