"""Typed settings from environment variables. One that cannot be read stops the start and says what to do."""

import os
import stat
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def flag(name: str, *, default: bool = False) -> bool:
    """Read a yes/no variable: 1/true/yes/on or 0/false/no/off."""
    value = os.environ.get(name)
    if value is None:
        return default
    word = value.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is neither yes nor no: use 1 or 0.")


def words(name: str, *, default: str = "") -> list[str]:
    """Read a comma-separated variable, without empty parts."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def word(name: str, *, default: str) -> str:
    """Read a single word."""
    return os.environ.get(name, "").strip() or default


def number(name: str, *, default: float, above: float = 0.0) -> float:
    """Read a number greater than ``above``."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        parsed = float(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={value!r} is not a number.") from error
    if not above < parsed < float("inf"):
        raise ImproperlyConfigured(f"{name}={value!r} must be a number above {above:g}.")
    return parsed


def share(name: str, *, default: float) -> float:
    """Read a part of a whole, 0 to 1."""
    value = number(name, default=default, above=-1.0)
    if not 0 <= value <= 1:
        raise ImproperlyConfigured(f"{name}={value:g} must be a share from 0 to 1, as in {default:g}.")
    return value


def folder(name: str, *, default: Path | None = None) -> Path | None:
    """Read a directory; relative paths start where the process was started. It need not exist yet."""
    value = os.environ.get(name, "").strip()
    return Path(value).expanduser().absolute() if value else default


def secret_key(path: Path) -> str:
    """Return SECRET_KEY, else what ``path`` holds, else the empty string (``manage.py setup`` makes the
    file).

    A key file that others may read is refused: it signs every session.
    """
    value = os.environ.get("SECRET_KEY", "").strip()
    if value:
        return value
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        key = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
    if os.name == "posix" and mode & 0o077:
        raise ImproperlyConfigured(f"{path} is readable by others (mode {mode:04o}): run chmod 600 {path}")
    return key
