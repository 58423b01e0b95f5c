"""``manage.py trainer``: the process that trains what the admin, the schedule or the approvals ask for."""

import os
import signal
import threading
from argparse import ArgumentParser
from types import FrameType
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chat.training.priority import step_aside
from chat.training.schedule import Schedule
from chat.training.trainer import Trainer
from core.errors import JaramError
from core.registry.errors import LockHeld

LOCKED = 4  # the exit code where another trainer works already


class Command(BaseCommand):
    """Starts the trainer and ends it when it is told to."""

    help = (
        "Work off the trainings that are asked for in the admin or by the schedule, until SIGTERM or Ctrl-C. "
        f"bin/serve starts one beside the server; where one works already this ends with exit code {LOCKED}."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command line."""
        parser.add_argument(
            "--until-stdin-closes",
            action="store_true",
            help="end with the process that holds the other end of standard input",
        )

    def handle(self, *, until_stdin_closes: bool, **options: Any) -> None:
        """Train until the end."""
        for name in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, _end)
        if until_stdin_closes:
            threading.Thread(target=_end_with_stdin, name="stdin", daemon=True).start()
        step_aside(settings.TRAINING_PRIORITY)
        try:
            Trainer(settings.DATA_DIR, Schedule.from_settings()).run()
        except LockHeld as error:
            raise CommandError(str(error), returncode=LOCKED) from error
        except (JaramError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("stopped", returncode=130) from error


def _end(signum: int, frame: FrameType | None) -> NoReturn:
    """Unwind, so that the engine is ended and the training noted as stopped."""
    raise SystemExit(0)


def _end_with_stdin() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
