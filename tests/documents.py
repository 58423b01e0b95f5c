"""The documents as the tests read them: their commands, tables, layout, headings and links."""

import importlib.util
import itertools
import re
import shlex
from importlib.machinery import SourceFileLoader
from pathlib import Path

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.ko.md")
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
# The commands of manage.py that are ours.
OWN = sorted(path.stem for path in ROOT.glob("chat/management/commands/[a-z]*.py"))

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^(#+) +(.+)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*=\S+")


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """A page without its code blocks."""
    return FENCE.sub("", read(page))


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of one language, in order."""
    return [code for found, code in FENCE.findall(read(page)) if found == language]


def tables(page: str) -> list[list[list[str]]]:
    """Each table as rows of cells, its header first."""
    groups = itertools.groupby(prose(page).splitlines(), lambda line: line.startswith("|"))
    found = [[[cell.strip() for cell in line.strip("|").split("|")] for line in lines] for row, lines in groups if row]
    return [[header, *rows] for header, _rule, *rows in found]


def table_of(page: str, first: str) -> dict[str, list[str]]:
    """The table that has a row for `first`: its rows by their first cell, without backquotes."""
    for _header, *rows in tables(page):
        keyed = {cells[0].strip("`"): cells[1:] for cells in rows}
        if first in keyed:
            return keyed
    raise AssertionError(f"{page} has no table with a row {first}")


def commands(page: str) -> list[list[str]]:
    """Every command of the page's shell blocks as words: comments, output and leading variables are left out."""
    lines: list[str] = []
    for block in blocks(page, "sh"):
        lines += block.replace("\\\n", " ").splitlines()
    for block in blocks(page, "console"):
        lines += [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    found = []
    for line in lines:
        for part in re.split(r"\s[|<>]\s", line):
            words = shlex.split(part, comments=True)
            while words and _VARIABLE.fullmatch(words[0]):
                words.pop(0)
            if words:
                found.append(words)
    return found


def spans(page: str) -> list[list[str]]:
    """The commands that the page's running text names: `python …`, `bin/…`, `makedata --…`."""
    words = [span.split() for span in SPAN.findall(prose(page))]
    return [found for found in words if found[0] == "python" or found[0].startswith("bin/") or found[0] in OWN]


def arguments_of(page: str, *program: str) -> list[list[str]]:
    """What the page gives to a program, wherever it names it."""
    found = [words for words in commands(page) + spans(page) if tuple(words[: len(program)]) == program]
    return [words[len(program) :] for words in found]


def load_program(path: str):
    """Import a program that is no module of a package."""
    loader = SourceFileLoader(f"program_{Path(path).stem}", str(ROOT / path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def tree(page: str) -> list[tuple[str, str]]:
    """The paths of the layout and what is said about each."""
    (block,) = blocks(page, "text")
    found, parents = [], []
    for line in block.splitlines():
        name, _, meaning = line.strip().partition(" ")
        depth = (len(line) - len(line.lstrip())) // 2
        parents[depth:] = [name]
        found.append(("".join(parents), meaning.strip()))
    return found
