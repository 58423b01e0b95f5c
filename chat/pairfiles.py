"""Files of question and answer pairs as people keep them: CSV or TSV with a header, UTF-8 or from Excel.

Reads line by line and knows no database. What a line says wrong is told by number; a file that cannot be a
pair file at all is refused before its first pair.
"""

import codecs
import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from core.text import normalise

MAX_TEXT_LENGTH = 2000  # characters of one question or answer
DELIMITERS = (",", "\t", ";")
QUESTION_NAMES = ("question", "q", "질문", "물음")
ANSWER_NAMES = ("answer", "a", "답변", "답", "대답", "응답")
CATEGORY_NAMES = ("category", "label", "분류", "라벨", "카테고리")

_CHUNK = 1 << 20


class PairFileError(Exception):
    """A file that cannot be read as pairs; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where question, answer and category stand, counted from 0. ``width`` is the length of the header."""

    question: int
    answer: int
    category: int | None
    width: int


@dataclass(frozen=True, slots=True)
class PairLine:
    """One good line; ``number`` counts from 1, the header included."""

    number: int
    question: str
    answer: str
    category: str


_PROBLEMS = {
    "undecodable": "has characters that could not be decoded",
    "nul": "holds a NUL character",
    "empty": "is empty",
    "too long": f"has more than {MAX_TEXT_LENGTH} characters",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why two texts make no pair: ``part`` is question or answer, ``kind`` one of _PROBLEMS."""

    part: str
    kind: str

    def __str__(self) -> str:
        return f"the {self.part} {_PROBLEMS[self.kind]}"


@dataclass(frozen=True, slots=True)
class BadLine:
    """One line that holds no pair, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written: encoding, delimiter, columns."""

    encoding: str
    delimiter: str
    columns: Columns


def detect_encoding(file: BinaryIO) -> str:
    """Return the encoding a file is written in: UTF-16 by its mark, UTF-8, or cp949 (Korean Excel).

    A file that is neither is taken for UTF-8 with damaged lines. Leaves the file at its beginning.
    """
    start = file.read(2)
    file.seek(0)
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    for encoding in ("utf-8-sig", "cp949"):
        if _decodes(file, encoding):
            return encoding
    return "utf-8-sig"


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while chunk := file.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    finally:
        file.seek(0)
    return True


def read_layout(file: BinaryIO, *, question: str = "", answer: str = "") -> Layout:
    """Find out how a file is written from its bytes and its header. Raises PairFileError.

    ``question`` and ``answer`` name columns, for headers whose names are not known here. Leaves the file at
    its beginning.
    """
    encoding = detect_encoding(file)
    text = TextIOWrapper(file, encoding=encoding, errors="replace", newline="")
    header = text.readline(_CHUNK)
    text.detach()
    file.seek(0)
    if not header.strip():
        raise PairFileError("the file is empty; its first line must name the columns, as in question,answer")
    for delimiter in DELIMITERS:
        columns = find_columns(_split(header, delimiter), question=question, answer=answer)
        if columns is not None:
            return Layout(encoding=encoding, delimiter=delimiter, columns=columns)
    raise PairFileError(
        f"no question and answer columns in the header {header.strip()[:200]!r}; "
        "name them with --question-column and --answer-column"
    )


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def find_columns(header: Sequence[object], *, question: str = "", answer: str = "") -> Columns | None:
    """Find the columns in a header by the given names, else by the usual ones; None where one is missing."""
    names = [str(name or "").strip().lower() for name in header]
    question_at = _position(names, (question.strip().lower(),) if question else QUESTION_NAMES)
    answer_at = _position(names, (answer.strip().lower(),) if answer else ANSWER_NAMES)
    if question_at is None or answer_at is None or question_at == answer_at:
        return None
    return Columns(question_at, answer_at, _position(names, CATEGORY_NAMES), len(names))


def _position(names: list[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


class PairFile:
    """An open pair file. Iterating gives a PairLine or a BadLine for each line; blank lines give nothing."""

    def __init__(self, file: BinaryIO, layout: Layout, *, category_names: Mapping[str, str] | None = None) -> None:
        self._file = file
        self._layout = layout
        self._category_names = dict(category_names or {})

    def position(self) -> int:
        """Return about how many bytes have been read."""
        return self._file.tell()

    def __iter__(self) -> Iterator[PairLine | BadLine]:
        self._file.seek(0)
        text = TextIOWrapper(self._file, encoding=self._layout.encoding, errors="replace", newline="")
        try:
            reader = csv.reader(text, delimiter=self._layout.delimiter)
            next(reader)
            while True:
                number = reader.line_num + 1
                try:
                    fields = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield BadLine(number, f"not readable as CSV: {error}")
                    continue
                if any(field.strip() for field in fields):
                    yield self._line(number, fields)
        finally:
            text.detach()

    def _line(self, number: int, fields: list[str]) -> PairLine | BadLine:
        columns = self._layout.columns
        if len(fields) != columns.width:
            return BadLine(number, f"{len(fields)} columns where the header has {columns.width}")
        question, answer = fields[columns.question].strip(), fields[columns.answer].strip()
        if problem := find_problem(question, answer):
            return BadLine(number, str(problem))
        category = "" if columns.category is None else fields[columns.category].strip()
        return PairLine(number, question, answer, self._category_names.get(category, category)[:100])


def find_problem(question: str, answer: str) -> Problem | None:
    """Say why two texts make no pair; None when they do."""
    for part, text in (("question", question), ("answer", answer)):
        if "\ufffd" in text:
            return Problem(part, "undecodable")
        if "\0" in text:
            return Problem(part, "nul")
        if not normalise(text):
            return Problem(part, "empty")
        if len(text) > MAX_TEXT_LENGTH:
            return Problem(part, "too long")
    return None


def open_pair_file(path: Path) -> BinaryIO:
    """Open a file for reading its bytes. Raises PairFileError."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise PairFileError(f"{path} cannot be read: {error.strerror}") from error
    if not file.seekable():
        file.close()
        raise PairFileError(f"{path} is read more than once, so it must be a file and not a pipe")
    return file
