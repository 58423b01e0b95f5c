"""Reads: every question the pages ask of the registry's files, and of the database beside them."""

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from chat.models import Chat
from chat.responder import opened_responder
from chat.versions.records import Version
from core.evolve.comparison import Taught, read_lessons
from core.registry import Registry, RegistryError
from core.registry.publications import Publication
from core.reply import Responder

_LESSONS_KEPT = 4  # versions: two are compared at a time, and a page of the list is turned often


def registry() -> Registry:
    """Return the registry of this installation."""
    return Registry(settings.DATA_DIR)


@dataclass(frozen=True, slots=True)
class Shelf:
    """All versions, newest first, and which one is live.

    ``live_name`` is what ``data/current`` points to, whether or not there is such a version. ``rollback_target`` is the
    version that a rollback makes live: the last that answered before and is still there and whole.
    """

    versions: list[Version]
    live_name: str | None
    publications: list[Publication]
    rollback_target: Version | None

    @property
    def live(self) -> Version | None:
        """The live version, damaged or not; None when it is gone, and when there is none."""
        return next((version for version in self.versions if version.live), None)

    @property
    def whole(self) -> list[Version]:
        """The versions that can be read."""
        return [version for version in self.versions if version.run]

    def find(self, name: str) -> Version | None:
        """Return the version of a name."""
        return next((version for version in self.versions if version.name == name), None)


def shelf() -> Shelf:
    """Return all versions. With a log of publications that can't be read nobody knows what was live before."""
    source = registry()
    publications, earlier = [], None
    with contextlib.suppress(RegistryError):
        publications, earlier = source.publications(), next(source.earlier(), None)
    last = {publication.run: publication for publication in publications}
    live = source.live_name()
    versions = [_version(source, name, live, last.get(name)) for name in reversed(source.names())]
    target = next((version for version in versions if earlier and version.name == earlier.name), None)
    return Shelf(versions=versions, live_name=live, publications=publications, rollback_target=target)


def _version(source: Registry, name: str, live: str | None, publication: Publication | None) -> Version:
    try:
        run = source.get(name)
    except RegistryError as error:
        return Version(name, problem=str(error), live=name == live, publication=publication)
    return Version(name, run=run, live=name == live, publication=publication)


@dataclass(frozen=True, slots=True)
class Serving:
    """Which model this server answers with.

    ``name`` is None before the first question. ``fixed`` when OUT_DIR names it, which no publication changes.
    """

    name: str | None
    fixed: bool


def serving() -> Serving:
    """Return which model this server answers with."""
    responder = opened_responder()
    name = responder.model if isinstance(responder, Responder) else None
    return Serving(name, fixed=settings.OUT_DIR is not None)


def lessons(version: Version) -> Mapping[str, Taught]:
    """Return what a version was taught and what it answers to it. Raises EvolveError without its files."""
    if version.run is None:
        return {}
    return _lessons(version.run.path, _stamp(version.run.path))


@lru_cache(maxsize=_LESSONS_KEPT)
def _lessons(run_dir: Path, _stamp: tuple[int, int]) -> Mapping[str, Taught]:
    return read_lessons(run_dir)


def _stamp(run_dir: Path) -> tuple[int, int]:
    """Return what changes when a version is replaced under its name, as the bundled one may be."""
    status = (run_dir / "manifest.json").stat()
    return status.st_mtime_ns, status.st_size


def stored_rows(rows: Collection[int]) -> set[int]:
    """Return those of some database ids whose chat is still there."""
    return set(Chat.objects.filter(pk__in=rows).values_list("pk", flat=True))


def problem_text(version: Version) -> str:
    """Return why a version can't be used, for everybody; its ``problem`` is for whoever looks after the machine."""
    return "" if version.run else _("파일이 손상되었거나 빠져 있어서 쓸 수 없어요.")
