"""The Content-Security-Policy header: what a page may load and run."""

from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

_COMMON = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}

# The admin theme is built on Alpine.js, which evaluates expressions from attributes, and on inline styles.
_ADMIN = _COMMON | {
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "font-src": "'self' data:",
}


def policy(request: HttpRequest) -> str:
    """Return the policy for the page asked for: strict, but for the admin."""
    if request.path.startswith(reverse("admin:index")):
        directives = _ADMIN
    else:
        directives = _COMMON | {"connect-src": _connections(request)}
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def _connections(request: HttpRequest) -> str:
    """Name the websocket beside 'self', which not every phone's browser takes to include it."""
    try:
        host = request.get_host()
    except DisallowedHost:  # the answer is a 400 page, which connects to nothing
        return "'self'"
    return f"'self' ws://{host} wss://{host}"


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: add the policy to every response that has none of its own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy(request))
        return response

    return middleware
