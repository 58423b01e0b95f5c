"""What an installation needs before it can serve. Every step looks first and does only what is missing."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.utils import get_random_secret_key
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string

from chat.imports import ImportSummary, import_pairs
from chat.models import Chat, SetupStep
from chat.pairfiles import PairFile, open_pair_file, read_layout
from chat.roles import EDITOR, make_role
from core.registry import INITIAL, Registry, RegistryError

REVIEWER = "reviewer"
_STATIC_STAMP = ".collected"


def ensure_secret_key() -> Path | None:
    """Make the secret key's file, readable by its owner alone; return it, or None when there is a key already."""
    path: Path = settings.DATA_DIR / "secret_key"
    if os.environ.get("SECRET_KEY") or path.exists():
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written beside and then linked: a start that is killed, or a second one, never sees half a key.
    draft = path.with_name(f".secret_key-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(get_random_secret_key() + "\n")
        os.link(draft, path)
    except FileExistsError:
        return None
    finally:
        draft.unlink()
    return path


def ensure_database() -> bool:
    """Bring the tables up to date; tell whether anything was to do."""
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    call_command("migrate", verbosity=0, interactive=False)
    return True


def ensure_model() -> str | None:
    """Make the bundled model live when no model is; return its name, or None when nothing was to do.

    Raises RegistryError when there is no bundled model either.
    """
    registry = Registry(settings.DATA_DIR)
    if os.path.lexists(registry.current_link):
        return None
    run = registry.get(INITIAL)
    registry.publish(run, reason="setup")
    return run.name


def ensure_initial_files() -> None:
    """Copy what is bundled into a data directory that is elsewhere, for nothing in it may point outside."""
    bundled: Path = settings.BASE_DIR / "data" / INITIAL
    target: Path = settings.DATA_DIR / INITIAL
    if target.exists() or not bundled.is_dir():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{INITIAL}-{secrets.token_hex(4)}")
    shutil.copytree(bundled, draft)
    draft.rename(target)


@transaction.atomic
def ensure_starter_corpus() -> ImportSummary | None:
    """Store the starter corpus as reviewed rows, once; return what became of its lines.

    Raises PairFileError when the file is there and cannot be read.
    """
    path = settings.DATA_DIR / INITIAL / "corpus.csv"
    if not path.is_file() or not _is_first_time("starter corpus"):
        return None
    with open_pair_file(path) as file:
        return import_pairs(PairFile(file, read_layout(file)), origin=Chat.Origin.STARTER, approve=True)


@transaction.atomic
def ensure_reviewer() -> str | None:
    """Make the first account, an editor's, once; return its random password."""
    if not _is_first_time("reviewer account"):
        return None
    group = make_role(EDITOR, groups=Group.objects, permissions=Permission.objects)
    users = get_user_model().objects
    if users.filter(username=REVIEWER).exists():
        return None
    password = secrets.token_urlsafe(12)
    users.create_user(REVIEWER, password=password, is_staff=True).groups.add(group)
    return password


def ensure_static_files() -> bool:
    """Collect the static files when any of them is new or changed; tell whether that was so."""
    root = Path(settings.STATIC_ROOT)
    stamp = root / _STATIC_STAMP
    state = _static_state()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == state:
        return False
    root.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(state, encoding="ascii")
    return True


def clear_sessions() -> None:
    """Forget visitors whose cookie has run out."""
    store: type[SessionBase] = import_string(settings.SESSION_ENGINE + ".SessionStore")
    store.clear_expired()


def _is_first_time(name: str) -> bool:
    _step, created = SetupStep.objects.get_or_create(name=name)
    return created


def _static_state() -> str:
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for line in sorted(_static_lines()):
        digest.update(line.encode())
    return digest.hexdigest()


def _static_lines() -> Iterator[str]:
    for finder in get_finders():
        for path, storage in finder.list([]):
            status = os.stat(storage.path(path))
            yield f"{getattr(storage, 'prefix', '') or ''}/{path} {status.st_size} {status.st_mtime_ns}\n"


def set_up(say: Callable[[str], None]) -> None:
    """Do whatever is missing and say what was done; say nothing when nothing was.

    Raises OSError, PairFileError or a django.db.Error when a step cannot be done.
    """
    if key := ensure_secret_key():
        say(f"made a secret key in {key}")
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    ensure_initial_files()
    if ensure_database():
        say("brought the database up to date")
    try:
        if name := ensure_model():
            say(f"made the bundled model live ({name})")
    except RegistryError as error:  # reviewing and training go without a model; only answering does not
        say(f"no model is live yet: {error}. Train one with manage.py makedata.")
    if (starter := ensure_starter_corpus()) is not None:
        say(f"loaded {starter.new} pairs of the starter corpus as reviewed")
    if password := ensure_reviewer():
        say(f"made a reviewer account for /admin/, shown only now:\n  user     {REVIEWER}\n  password {password}")
    if ensure_static_files():
        say("collected the static files")
    clear_sessions()
