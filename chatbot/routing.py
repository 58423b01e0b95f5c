"""What answers which connection: Django for http, the consumer for websockets of this site's own pages."""

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import WebsocketDenier
from django.core.asgi import get_asgi_application
from django.urls import re_path

from chatbot.origins import SameOrigin


def build_application() -> ProtocolTypeRouter:
    """Set Django up and return the ASGI application. Loads no model."""
    http = get_asgi_application()
    # The consumer imports the models, so Django comes first.
    from chat.consumers import ChatConsumer

    sockets = URLRouter(
        [
            re_path(r"^ws/chat/(?P<room>[\w.-]{1,64})/$", ChatConsumer.as_asgi()),
            re_path(r"", WebsocketDenier.as_asgi()),
        ]
    )
    return ProtocolTypeRouter({"http": http, "websocket": SameOrigin(sockets)})
