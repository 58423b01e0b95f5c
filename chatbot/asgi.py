"""The server's entry point: ``daphne chatbot.asgi:application``. Importing it starts loading the model."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")

from django.conf import settings

from chatbot.routing import build_application

settings.SECRET_KEY  # noqa: B018 - without one no visitor can be known: stop here, not at the first of them
application = build_application()

if settings.WARM_UP:
    from chat import warm_up

    warm_up.start()
