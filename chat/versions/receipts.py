"""A version's receipt as rows: what was to be learned, what changed, what must always hold, and what became of each."""

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from chat.formats import escape
from chat.versions.records import Version
from core.corpus import UnheldCanary
from core.evolve import receipt as evolve_receipt
from core.evolve.errors import EvolveError

Line = evolve_receipt.Correction | evolve_receipt.ChangedAnswer | evolve_receipt.Canary | UnheldCanary

KINDS = ("corrections", "changed", "canaries")
OUTCOMES = {
    "corrections": ("missed", "learned"),
    "changed": ("worse", "better", "different"),
    "canaries": ("broken", "unheld", "held"),
}
_KEPT = 4  # receipts: a page of the list is turned often


class ReceiptError(Exception):
    """There is no receipt, or not one that can be read; the message says so to everybody."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a receipt.

    ``row`` is the chat's database id, where there is one. ``wanted`` is the answer to be learned, ``before`` what
    the parent answered, None where it was not asked, and ``given`` what is answered now.
    """

    kind: str
    row: int | None
    question: str
    wanted: str
    before: str | None
    given: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The lines by kind, in the receipt's order. Without a parent nothing can have changed."""

    parent: str | None
    rows: Mapping[str, Sequence[Row]]

    def counts(self) -> dict[str, dict[str, int]]:
        """Count the lines of each kind by outcome."""
        return {
            kind: {outcome: sum(row.outcome == outcome for row in self.rows[kind]) for outcome in outcomes}
            for kind, outcomes in OUTCOMES.items()
        }

    def chosen(self, kind: str, *, outcome: str = "", words: str = "") -> list[Row]:
        """Return the lines of a kind: those with an outcome, and with some words in any of their texts."""
        words = words.casefold().strip()
        return [
            row
            for row in self.rows[kind]
            if (not outcome or row.outcome == outcome) and (not words or words in _searched(row))
        ]


def receipt(version: Version) -> Receipt:
    """Return the receipt of a version. Raises ReceiptError."""
    if version.run is None:
        raise ReceiptError(_("파일이 손상되었거나 빠져 있어서 쓸 수 없어요."))
    path = version.run.path / evolve_receipt.RECEIPT
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise ReceiptError(_("이 버전에는 배운 기록이 남아 있지 않아요.")) from error
    except OSError as error:
        raise ReceiptError(_("배운 기록 파일을 읽지 못했어요.")) from error
    return _read(path, (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=_KEPT)
def _read(path: Path, _stamp: tuple[int, int]) -> Receipt:
    try:
        source = evolve_receipt.Receipt.read(path)
    except EvolveError as error:
        raise ReceiptError(_("배운 기록 파일이 손상되어 읽지 못했어요.")) from error
    rows = {
        "corrections": [
            _row("corrections", line, line.before, line.given, "learned" if line.learned else "missed")
            for line in source.corrections
        ],
        "changed": [_row("changed", line, line.before, line.after, line.verdict) for line in source.changed],
        "canaries": [
            *(_row("canaries", line, None, "", "unheld") for line in source.unheld),
            *(_row("canaries", line, None, line.given, "held" if line.held else "broken") for line in source.canaries),
        ],
    }
    # What needs a look comes first; within that, the receipt's own order.
    ordered = {kind: sorted(rows[kind], key=lambda row: _rank(row.kind, row.outcome)) for kind in KINDS}
    return Receipt(parent=source.parent, rows=ordered)


def _rank(kind: str, outcome: str) -> int:
    outcomes = OUTCOMES[kind]
    return outcomes.index(outcome) if outcome in outcomes else len(outcomes)


def _row(kind: str, line: Line, before: str | None, given: str, outcome: str) -> Row:
    return Row(
        kind=kind,
        row=line.row if isinstance(line.row, int) else None,  # JSON may hold anything, and it is asked of the database
        question=str(line.question),
        wanted=str(line.answer),
        before=None if before is None else str(before),
        given=str(given),
        outcome=str(outcome),
    )


def _searched(row: Row) -> str:
    return "\n".join((row.question, row.wanted, row.before or "", row.given)).casefold()


def kind_names() -> dict[str, str]:
    """Return what people call the three lists."""
    return {"corrections": _("고친 답"), "changed": _("바뀐 답"), "canaries": _("꼭 지켜야 할 답")}


def outcome_names() -> dict[str, str]:
    """Return what people call what became of a line."""
    return {
        "learned": pgettext("receipt", "배웠어요"),
        "missed": pgettext("receipt", "못 배웠어요"),
        "better": pgettext("receipt", "나아졌어요"),
        "worse": pgettext("receipt", "나빠졌어요"),
        "different": pgettext("receipt", "달라졌어요"),
        "held": pgettext("receipt", "지켰어요"),
        "broken": pgettext("receipt", "못 지켰어요"),
        "unheld": pgettext("receipt", "배우지 않는 답이에요"),
    }


def csv_lines(rows: Iterable[Row]) -> Iterator[str]:
    """Write rows as CSV, line by line, with a header and the mark by which Excel knows UTF-8.

    A spreadsheet shows a visitor's text and never runs it.
    """
    kinds, outcomes = kind_names(), outcome_names()
    writer = csv.writer(_Echo())
    header = (_("목록"), _("대화 번호"), _("질문"), _("배울 답"), _("전의 답"), _("지금 답"), _("결과"))
    yield "\ufeff" + writer.writerow(header)
    for row in rows:
        texts = (escape(one) for one in (row.question, row.wanted, row.before or "", row.given))
        yield writer.writerow((kinds[row.kind], row.row or "", *texts, outcomes.get(row.outcome, row.outcome)))


class _Echo:
    """A file that hands back what is written into it."""

    def write(self, line: str) -> str:
        return line


def linked_rows(rows: Collection[Row]) -> set[int]:
    """Return the database ids that some rows name."""
    return {row.row for row in rows if row.row is not None}
