"""The registry of model versions: drafts become runs, runs become live, and back."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from core.registry import durable, lock, publications
from core.registry.errors import RegistryError
from core.registry.manifest import MANIFEST, JsonDict, Manifest, Run
from core.registry.publications import Publication, Reason

logger = logging.getLogger(__name__)

INITIAL = "initial"  # the name of the bundled version

_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
_DRAFT = ".draft-"
_NOTE = "draft.json"  # in a draft alone
_LEFTOVER_SECONDS = 60.0  # a temporary link lives for microseconds; one this old was left by a killed process
_RESUME_STATE = Path("model/ckpt")  # for going on with a training; answering does not need it


@dataclass(frozen=True, slots=True)
class Draft:
    """A run that is being made. Nobody sees it before `Registry.finish`.

    `note` says what it is made of, so that whoever finds it after its maker was killed can tell whether to go on in it.
    """

    name: str
    path: Path
    note: JsonDict = field(default_factory=dict)

    @property
    def model_dir(self) -> Path:
        """Where the engine writes the model."""
        return self.path / "model"


class Registry:
    """The model versions of one data directory.

    Making one needs the lock; making one live does not, as that is a single step::

        with registry.lock():
            draft = registry.new_run()
            ...                                  # write files into draft.path
            run = registry.finish(draft, manifest)
        registry.publish(run)

    Every method raises `RegistryError` and leaves `data/current` as it was when it can't do its work.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = Path(data_dir)
        self.models_dir = self.data_dir / "models"
        self.current_link = self.data_dir / "current"
        self.initial_dir = self.data_dir / INITIAL
        self._locked = False

    # Reading

    def current(self) -> Run | None:
        """The live run; None when none was ever published. Raises `RegistryError` when it is gone."""
        try:
            target = Path(os.readlink(self.current_link))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RegistryError(f"{self.current_link} is not a link: move it away, then publish again") from error
        if target.name != INITIAL and not _NAME.fullmatch(target.name):
            raise RegistryError(f"{self.current_link} points to {target}, which is no model version")
        return self.get(target.name)

    def get(self, name: str) -> Run:
        """The run called `name`, or `initial` for the bundled one."""
        path = self._path(name)
        if not path.is_dir():
            raise RegistryError(f"there is no model version {name} in {self.data_dir}")
        return Run(name, path, Manifest.read(path))

    def names(self) -> list[str]:
        """The name of every finished run, damaged ones as well: the bundled one first, then by age."""
        names = sorted(path.name for path in self._list(self.models_dir) if _NAME.fullmatch(path.name))
        return [INITIAL, *names] if (self.initial_dir / MANIFEST).exists() else names

    def runs(self) -> list[Run]:
        """Every finished run, the bundled one first, then by age. Damaged ones are logged and left out."""
        found = []
        for name in self.names():
            try:
                found.append(self.get(name))
            except RegistryError as error:
                logger.warning("left out of the list of model versions: %s", error)
        return found

    def verify(self, run: Run) -> None:
        """Check every file of `run` against its sum; raise `RegistryError` naming the first that differs."""
        if not any(name.startswith("model/") for name in run.manifest.files):
            raise RegistryError(f"the model version {run.name} lists no model files")
        for name, expected in run.manifest.files.items():
            try:
                actual = durable.sha256_of(run.path / name)
            except OSError as error:
                raise RegistryError(f"{name} of {run.name} can't be read: {error.strerror}") from error
            if actual != expected:
                raise RegistryError(
                    f"{name} of the model version {run.name} is damaged (its SHA-256 sum differs): "
                    "publish another version or train anew"
                )

    # Making

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the data directory for making a run; `RegistryError` at once when another process does.

        The new holder removes what a killed run left behind, but for drafts with a note, which `drafts` lists.
        """
        with lock.hold(self.data_dir / ".lock"):
            self._sweep()
            self._locked = True
            try:
                yield
            finally:
                self._locked = False

    def drafts(self) -> list[Draft]:
        """Drafts with a note that killed runs left, oldest first. Needs the lock, for else they may be alive."""
        self._require_lock()
        found = []
        for path in sorted(path for path in self._list(self.models_dir) if path.name.startswith(_DRAFT)):
            if note := _read_note(path):
                found.append(Draft(path.name.removeprefix(_DRAFT), path, note))
        return found

    def new_run(self, note: JsonDict | None = None) -> Draft:
        """An empty draft in `data/models/`, invisible to `runs` until it is finished. Needs the lock.

        A draft without a `note` is removed as soon as somebody else holds the lock.
        """
        self._require_lock()
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        path = self.models_dir / f"{_DRAFT}{name}"
        try:
            path.mkdir(parents=True)
            if note:
                durable.write_json(path / _NOTE, note)
        except OSError as error:
            _remove(path)
            raise RegistryError(f"can't make {path}: {error.strerror}") from error
        return Draft(name, path, note or {})

    def discard(self, draft: Draft) -> None:
        """Remove a draft that comes to nothing."""
        _remove(draft.path)

    def finish(self, draft: Draft, manifest: Manifest) -> Run:
        """Sync the draft, write its manifest with the sums last, and give it its name.

        The name appears only when every byte below it is on the disk. `run` and `files` of `manifest` are
        filled in here.
        """
        path = self._path(draft.name)
        try:
            (draft.path / _NOTE).unlink(missing_ok=True)
            manifest = replace(manifest, run=draft.name, files=_sync_and_sum(draft.path))
            durable.write_json(draft.path / MANIFEST, manifest.to_dict())
            durable.sync_directories(draft.path)
            draft.path.rename(path)
            durable.sync(self.models_dir)
        except OSError as error:
            raise RegistryError(f"can't finish the run {draft.name}: {error.strerror}") from error
        return Run(draft.name, path, manifest)

    # Making live

    def publish(self, run: Run, *, by: str = "", reason: Reason = "publish", force: bool = False) -> None:
        """Make `run` the live one, after its sums were checked, and note it in the log of publications.

        `by` names who did it. A version that the gate rejected needs `force`, and is noted as forced.
        """
        path = self._path(run.name)
        if run.rejected:
            if not force:
                raise RegistryError(f"the gate rejected {run.name}: it is made live only by force")
            reason = "force"
        self._make_live(replace(run, path=path), by, reason)

    def rollback(self, *, by: str = "", to: str = "") -> Run:
        """Make what was live before the live run live again, and return it, whatever the gate says of it.

        `to` names what the caller takes that for; when it is another by now, nothing happens.
        """
        live = self.live_name()
        if live is None:
            raise RegistryError("there is nothing to go back from: no model version is live")
        run = next(self.earlier(), None)
        if run is None:
            raise RegistryError(f"no version that was live before {live} is left to go back to")
        if to and run.name != to:
            raise RegistryError(f"{live} is live by now, and going back from it leads to {run.name}, not to {to}")
        self._make_live(run, by, "rollback")
        return run

    def earlier(self) -> Iterator[Run]:
        """The versions to which one can go back, the last that was live first; those gone or damaged are left out.

        As the log of publications tells it; what is before its beginning, or a log that was lost, by parents.
        """
        live = self.live_name()
        if live is None:
            return
        seen = {live}
        names = publications.earlier(self.publications(), live)
        run = self._whole(live)
        while True:
            for name in names:
                if name not in seen and (found := self._whole(name)):
                    run = found
                    yield found
                seen.add(name)
            if run is None or run.manifest.parent is None or run.manifest.parent in seen:
                return
            names = [run.manifest.parent]

    def publications(self) -> list[Publication]:
        """Every version that became live, oldest first."""
        return publications.read(self.data_dir)

    def _make_live(self, run: Run, by: str, reason: Reason) -> None:
        self.verify(run)
        before = self.live_name()
        try:
            durable.replace_link(self.current_link, str(run.path.relative_to(self.data_dir)))
        except OSError as error:
            raise RegistryError(f"can't make {run.name} live: {error.strerror}") from error
        publications.append(self.data_dir, Publication.now(run.name, before, by, reason))

    def live_name(self) -> str | None:
        """What `data/current` points to, whole or not."""
        try:
            return Path(os.readlink(self.current_link)).name
        except OSError:
            return None

    def bundle(self, run: Run) -> Run:
        """Copy `run` to `data/initial`, as the version that new installations start with.

        What is only of use for going on with its training stays behind. Files of `data/initial` that are no
        part of a run, such as the starter corpus, are left alone.
        """
        self.verify(run)
        files = {
            name: sum_ for name, sum_ in run.manifest.files.items() if not Path(name).is_relative_to(_RESUME_STATE)
        }
        try:
            _remove(self.initial_dir / "model")
            for name in files:
                (self.initial_dir / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(run.path / name, self.initial_dir / name)
            manifest = replace(run.manifest, parent=None, files=files)
            durable.write_json(self.initial_dir / MANIFEST, manifest.to_dict())
        except OSError as error:
            raise RegistryError(f"can't copy {run.name} to {self.initial_dir}: {error.strerror}") from error
        return self.get(INITIAL)

    # Inside

    def _path(self, name: str) -> Path:
        """The directory of the run `name`, which may come from a form or a link and is checked."""
        if name == INITIAL:
            return self.initial_dir
        if not _NAME.fullmatch(name):
            raise RegistryError(f"{name!r} is no name of a model version")
        return self.models_dir / name

    def _whole(self, name: str) -> Run | None:
        try:
            return self.get(name)
        except RegistryError:
            return None

    def _require_lock(self) -> None:
        if not self._locked:
            raise RegistryError("a run is made under Registry.lock()")

    def _sweep(self) -> None:
        for path in self._list(self.models_dir):
            if path.name.startswith(_DRAFT) and not _read_note(path):
                logger.info("removing %s, left by a run that was killed", path.name)
                _remove(path)
        for path in self._list(self.data_dir):
            if path.name.startswith(f".{self.current_link.name}-") and path.is_symlink():
                with contextlib.suppress(FileNotFoundError):  # its maker may be alive, and faster
                    if time.time() - path.lstat().st_mtime > _LEFTOVER_SECONDS:
                        path.unlink()

    @staticmethod
    def _list(directory: Path) -> list[Path]:
        try:
            return list(directory.iterdir())
        except FileNotFoundError:
            return []


def _read_note(directory: Path) -> JsonDict:
    """A draft's note; empty when it has none, or was killed while writing it."""
    try:
        note = json.loads((directory / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _sync_and_sum(root: Path) -> dict[str, str]:
    sums = {}
    for path in durable.files_in(root):
        durable.sync(path)
        sums[path.relative_to(root).as_posix()] = durable.sha256_of(path)
    return sums


def _remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        logger.warning("can't remove %s: remove it by hand", directory)
