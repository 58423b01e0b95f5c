"""``manage.py setup``: make an installation ready to serve. bin/serve calls it before every start."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from chat.installation import set_up
from chat.pairfiles import PairFileError


class Command(BaseCommand):
    """Does what is missing and says what it did; silent when nothing is missing."""

    help = (
        "Make the secret key, the database, the live model, the starter rows, a reviewer account and the "
        "static files, each only if it is missing."
    )
    requires_system_checks = ()  # the first thing they would find is what this command makes

    def handle(self, **options: Any) -> None:
        """Set the installation up."""
        try:
            set_up(self.stdout.write)
        except (OSError, DatabaseError, PairFileError) as error:
            raise CommandError(f"setup could not finish: {error}") from error
