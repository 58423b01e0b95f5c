"""``manage.py importchats FILE``: bring question and answer pairs in from a CSV or TSV file."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from tqdm import tqdm

from chat.imports import ImportSummary, import_pairs
from chat.models import Chat
from chat.pairfiles import PairFile, PairFileError, open_pair_file, read_layout

SHOWN_BAD_LINES = 50


class Command(BaseCommand):
    """Reads pairs line by line; running it twice adds nothing twice."""

    help = (
        "Import question and answer pairs from a CSV or TSV file with a header (Q,A or question,answer or "
        "질문,답변; a label or category column is optional). Pairs that are stored already are skipped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command line."""
        parser.add_argument("file", type=Path, help="UTF-8 (with or without mark), cp949 or UTF-16")
        parser.add_argument(
            "--verify", action="store_true", help="store the pairs as reviewed (검토완료), to be trained on"
        )
        parser.add_argument("--question-column", default="", metavar="NAME", help="the column of the questions")
        parser.add_argument("--answer-column", default="", metavar="NAME", help="the column of the answers")
        parser.add_argument(
            "--label",
            action="append",
            default=[],
            type=_label,
            metavar="VALUE=NAME",
            help="call a value of the label column by a better name, as in --label 0=일상 (repeatable)",
        )

    def handle(self, *, file: Path, verify: bool, label: list[tuple[str, str]], **options: Any) -> None:
        """Import the file and say what became of its lines."""
        try:
            with open_pair_file(file) as source:
                layout = read_layout(source, question=options["question_column"], answer=options["answer_column"])
                pairs = PairFile(source, layout, category_names=dict(label))
                with self._bar(file, options["verbosity"]) as bar:
                    summary = import_pairs(
                        pairs,
                        origin=Chat.Origin.IMPORT,
                        approve=verify,
                        on_progress=lambda: bar.update(pairs.position() - bar.n),
                    )
        except PairFileError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"{error}; what was stored so far is kept, so run the import again") from error
        self._report(summary, verify=verify)

    def _bar(self, file: Path, verbosity: int) -> tqdm:
        return tqdm(
            total=file.stat().st_size,
            unit="B",
            unit_scale=True,
            desc=file.name,
            disable=verbosity == 0,
            mininterval=0.2 if sys.stderr.isatty() else 10.0,
        )

    def _report(self, summary: ImportSummary, *, verify: bool) -> None:
        for bad in summary.bad[:SHOWN_BAD_LINES]:
            self.stderr.write(f"line {bad.number}: {bad.reason}")
        if len(summary.bad) > SHOWN_BAD_LINES:
            self.stderr.write(f"… and {len(summary.bad) - SHOWN_BAD_LINES} more bad lines")
        state = Chat.Verify.APPROVED if verify else Chat.Verify.PENDING
        self.stdout.write(f"{summary.new} pairs imported as {state.value} ({state.label})")
        if summary.approved:
            self.stdout.write(f"{summary.approved} pairs that were stored already are approved now")
        self.stdout.write(f"{summary.duplicates} duplicates skipped")
        self.stdout.write(f"{len(summary.bad)} bad lines left out")


def _label(text: str) -> tuple[str, str]:
    value, equals, name = text.partition("=")
    if not equals or not name.strip():
        raise ArgumentTypeError(f"{text!r} is not of the form VALUE=NAME")
    return value.strip(), name.strip()
