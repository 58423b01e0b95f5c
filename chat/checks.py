"""System checks: what is wrong with an installation, said before it shows as an error page."""

import importlib.util
import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from chat.training.priority import LEVELS
from chat.training.schedule import parse_time
from core.reply import MODES
from core.text import ANALYSERS


@register()
def check_data_dir(**kwargs: Any) -> list[CheckMessage]:
    """chat.E001: the data directory, once it exists, can be written to."""
    if not settings.DATA_DIR.exists():
        return []
    if settings.DATA_DIR.is_dir() and os.access(settings.DATA_DIR, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            f"{settings.DATA_DIR} is not a directory this user can write to.",
            hint="Change its owner, or let DATA_DIR name another directory.",
            id="chat.E001",
        )
    ]


@register()
def check_out_dir(**kwargs: Any) -> list[CheckMessage]:
    """chat.E002: OUT_DIR, where set, holds a model."""
    # hparams is what tensorflow/nmt writes, whose models are read too.
    names = ("hparams.json", "hparams")
    if settings.OUT_DIR is None or any((settings.OUT_DIR / name).is_file() for name in names):
        return []
    return [
        Error(
            f"OUT_DIR={settings.OUT_DIR} holds no model.",
            hint="Name the model/ directory of a run, with hparams.json in it, or unset OUT_DIR.",
            id="chat.E002",
        )
    ]


@register()
def check_analyser(**kwargs: Any) -> list[CheckMessage]:
    """chat.E004: ANALYSER is a morpheme analyser that there is."""
    if settings.ANALYSER in ANALYSERS:
        return []
    return [
        Error(
            f"ANALYSER={settings.ANALYSER} is no morpheme analyser.",
            hint=f"Use one of: {', '.join(ANALYSERS)}.",
            id="chat.E004",
        )
    ]


@register()
def check_reply_mode(**kwargs: Any) -> list[CheckMessage]:
    """chat.E007: REPLY_MODE is a way to answer that there is."""
    if settings.REPLY_MODE in MODES:
        return []
    return [
        Error(
            f"REPLY_MODE={settings.REPLY_MODE} is no way to answer.",
            hint=f"Use one of: {', '.join(MODES)}.",
            id="chat.E007",
        )
    ]


@register()
def check_redis(**kwargs: Any) -> list[CheckMessage]:
    """chat.E003: REDIS_URL, where set, can be used."""
    missing = [name for name in ("channels_redis", "redis") if importlib.util.find_spec(name) is None]
    if not settings.REDIS_URL or not missing:
        return []
    return [
        Error(
            f"REDIS_URL is set, but {' and '.join(missing)} cannot be imported.",
            hint="Run pip install channels-redis, or unset REDIS_URL.",
            id="chat.E003",
        )
    ]


@register()
def check_training(**kwargs: Any) -> list[CheckMessage]:
    """chat.E005 and chat.E006: when and how far back a training is set to run are what they can be."""
    found: list[CheckMessage] = []
    try:
        parse_time(settings.TRAIN_AT)
    except ValueError:
        found.append(
            Error(
                f"TRAIN_AT={settings.TRAIN_AT} is no time of day.",
                hint="Write hours and minutes, as in TRAIN_AT=03:30, or unset TRAIN_AT.",
                id="chat.E005",
            )
        )
    if settings.TRAINING_PRIORITY not in LEVELS:
        found.append(
            Error(
                f"TRAINING_PRIORITY={settings.TRAINING_PRIORITY} is no priority.",
                hint=f"Use one of: {', '.join(LEVELS)}.",
                id="chat.E006",
            )
        )
    return found


@register(Tags.security)
def check_hosts(**kwargs: Any) -> list[CheckMessage]:
    """chat.W001: somebody decided which host names are served."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Warning(
            "ALLOWED_HOSTS=* answers to any host name.",
            hint="Name the hosts people use, separated by commas.",
            id="chat.W001",
        )
    ]


@register(Tags.security)
def check_secret_key(**kwargs: Any) -> list[CheckMessage]:
    """chat.W002: there is a secret key. The commands work without one; the server does not start."""
    try:
        settings.SECRET_KEY  # noqa: B018 - reading an empty one raises
    except ImproperlyConfigured:
        return [
            Warning(
                "There is no secret key.",
                hint=f"Run manage.py setup, which makes {settings.DATA_DIR / 'secret_key'}, or set SECRET_KEY.",
                id="chat.W002",
            )
        ]
    return []
