"""File formats of the admin's import and export. A spreadsheet must show a visitor's text, never run it.

Text that begins like a formula is written with an apostrophe before it, which reading takes away again.
"""

import re
from io import BytesIO
from typing import Any

import tablib
from import_export.formats import base_formats

from chat.pairfiles import detect_encoding

# What spreadsheets take for the beginning of a formula, full-width forms included; apostrophes before it are
# ours.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_ESCAPED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")


def escape(cell: Any) -> Any:
    """Return a cell that no spreadsheet runs. What is no text stays as it is."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def unescape(cell: Any) -> Any:
    """Return what ``escape`` was given."""
    return cell[1:] if isinstance(cell, str) and _ESCAPED.match(cell) else cell


def _each_cell(dataset: tablib.Dataset, change: Any) -> tablib.Dataset:
    changed = tablib.Dataset(headers=dataset.headers)
    for row in dataset:
        changed.append([change(cell) for cell in row])
    return changed


class CSV(base_formats.CSV):
    """CSV that Korean Excel opens as it is (UTF-8 with a mark) and whose own encoding is understood."""

    CONTENT_TYPE = "text/csv; charset=utf-8"

    def is_binary(self) -> bool:
        """Tell import-export to hand over bytes: the encoding is found out here."""
        return True

    def get_read_mode(self) -> str:
        """Return the mode files are opened in."""
        return "rb"

    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> tablib.Dataset:
        """Read a file's bytes."""
        text = in_stream.decode(detect_encoding(BytesIO(in_stream)))
        return _each_cell(tablib.Dataset().load(text, format="csv"), unescape)

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        """Return a file's bytes."""
        return super().export_data(_each_cell(dataset, escape), **kwargs).encode("utf-8-sig")


class XLSX(base_formats.XLSX):
    """An Excel workbook of one sheet."""

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        """Read a file's bytes."""
        return _each_cell(super().create_dataset(in_stream), unescape)

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        """Return a file's bytes."""
        return super().export_data(_each_cell(dataset, escape), **kwargs)


class JSON(base_formats.JSON):
    """JSON: a list of objects, text as it is."""


FORMATS = [CSV, XLSX, JSON]
