"""What the pages know of one version: its manifest, read with care, for it may come from anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from core.registry import INITIAL, Run
from core.registry.publications import Publication


def number(values: Mapping[str, Any], name: str) -> float | None:
    """Return a number from JSON; None where there is none, or something else."""
    value = values.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def count(values: Mapping[str, Any], name: str) -> int | None:
    """Return a whole number from JSON, likewise."""
    value = number(values, name)
    return None if value is None else int(value)


def text(values: Mapping[str, Any], name: str) -> str:
    """Return a text from JSON; the empty one where there is none, or something else."""
    value = values.get(name)
    return value if isinstance(value, str) else ""


def objects(values: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return a list of objects from JSON; what is no object is left out."""
    value = values.get(name)
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def moment(value: str) -> datetime | None:
    """Return the moment of an ISO 8601 text, in UTC where it names no time zone; None for anything else."""
    try:
        found = parse_datetime(value)
    except ValueError:  # well written, but no moment of the calendar
        return None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def label_of(name: str) -> str:
    """Return what people call a version."""
    return _("기본 모델") if name == INITIAL else name


@dataclass(frozen=True, slots=True)
class Scores:
    """What a version scored, on what it was taught and on what it never saw, apart. None where not measured."""

    learned: float | None
    questions: int | None
    bleu: float | None
    chrf: float | None
    unseen: int | None

    @classmethod
    def of(cls, metrics: Mapping[str, Any]) -> "Scores":
        """Return the scores in a manifest's metrics."""
        return cls(
            learned=number(metrics, "uptake"),
            questions=count(metrics, "trained_questions"),
            bleu=number(metrics, "heldout_bleu"),
            chrf=number(metrics, "heldout_chrf"),
            unseen=count(metrics, "heldout_pairs"),
        )

    @property
    def learned_percent(self) -> float | None:
        """The share of the trained questions that get one of their own answers, 0 … 100."""
        return None if self.learned is None else 100 * self.learned


@dataclass(frozen=True, slots=True)
class Version:
    """A version as the pages show it. Without a ``run``, ``problem`` says what is wrong with it."""

    name: str
    run: Run | None = None
    problem: str = ""
    live: bool = False
    publication: Publication | None = None

    @property
    def label(self) -> str:
        """What people call it."""
        return label_of(self.name)

    @property
    def bundled(self) -> bool:
        """Whether it came with the installation."""
        return self.name == INITIAL

    @property
    def rejected(self) -> bool:
        """Whether the gate turned it down."""
        return self.run is not None and self.run.rejected

    @property
    def created_at(self) -> datetime | None:
        """When it was made."""
        return moment(self.run.manifest.created_at) if self.run else None

    @property
    def published_at(self) -> datetime | None:
        """When it was last made live."""
        return moment(self.publication.at) if self.publication else None

    @property
    def parent(self) -> str | None:
        """The version that was live when it was made."""
        return self.run.manifest.parent if self.run else None

    @property
    def parent_label(self) -> str:
        """What people call that version."""
        return label_of(self.parent or "")

    @property
    def corpus(self) -> Mapping[str, Any]:
        """The corpus it was trained on: ``hash`` and counts."""
        return self.run.manifest.corpus if self.run else {}

    @property
    def corpus_hash(self) -> str:
        """The beginning of the corpus's hash: enough to tell two apart."""
        return text(self.corpus, "hash")[:10]

    @property
    def pairs(self) -> int | None:
        """Pairs that it was taught."""
        return count(self.corpus, "train")

    @property
    def held_out(self) -> int:
        """Pairs that were held out to measure it."""
        return (count(self.corpus, "dev") or 0) + (count(self.corpus, "test") or 0)

    @property
    def scores(self) -> Scores:
        """What it scored."""
        return Scores.of(self.run.manifest.metrics if self.run else {})

    @property
    def gate(self) -> Mapping[str, Any]:
        """What the gate found; empty for versions made before there was one."""
        return self.run.manifest.gate if self.run else {}

    @property
    def hparams(self) -> list[tuple[str, Any]]:
        """Its hyperparameters, by name."""
        return sorted(self.run.manifest.hparams.items()) if self.run else []

    @property
    def packages(self) -> list[tuple[str, Any]]:
        """The packages that made it and their versions, by name."""
        return sorted(self.run.manifest.packages.items()) if self.run else []

    @property
    def seconds(self) -> float | None:
        """How long it took to make."""
        if self.run is None or not self.run.manifest.seconds:
            return None
        seconds = self.run.manifest.seconds
        return sum(number(seconds, phase) or 0.0 for phase in seconds)
