"""The tools that hold the code's form, types and layers, each as a test; and no word in it about one machine."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def check(*command: str) -> None:
    """Run a tool of this environment on the project; it must find nothing."""
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )
    if done.returncode:
        pytest.fail(f"{done.stdout}\n{done.stderr}".strip(), pytrace=False)


def test_ruff_finds_no_mistakes():
    check("-m", "ruff", "check", "--no-fix", ".")


def test_ruff_would_format_nothing_anew():
    check("-m", "ruff", "format", "--check", "--diff", ".")


@pytest.mark.slow
def test_types_of_core_hold_under_mypy_strict():
    check("-m", "mypy")


def test_imports_point_down():
    check("-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-logo")


def tracked_texts() -> list[tuple[str, str]]:
    """The path and the text of every file of the project that is text; those of the working tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = []
    for name in filter(None, listed.split("\0")):
        data = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in data:
            found.append((name, data.decode("utf-8")))
    return found


@pytest.mark.skipif(
    not (ROOT / ".git").exists() or shutil.which("git") is None, reason="no git checkout: no list of files"
)
def test_no_file_names_a_directory_of_somebodys_machine():
    homes = "|".join(["work", "home", "root", "Users"])
    somewhere = re.compile(rf"(?<![\w.$}}])/(?:{homes})/\w")
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in tracked_texts()
        for number, line in enumerate(text.splitlines(), 1)
        if somewhere.search(line)
    ]
    assert found == []
