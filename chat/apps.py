"""The app's place in Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatAppConfig(AppConfig):
    """Names the app and registers its checks and signals. Loads no model."""

    name = "chat"
    verbose_name = _("배움")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what Django finds by import alone."""
        from chat import checks, signals  # noqa: F401
