"""The settings, paths, packages and licences that the documents list, and the places that they link to, are true."""

import ast
import importlib.metadata
import itertools
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.documents import (
    FENCE,
    HEADING,
    LINK,
    PAGES,
    READMES,
    ROOT,
    prose,
    read,
    table_of,
    tree,
)

# --- Settings -----------------------------------------------------------------------------------------------------

_NOT_OURS = {"PYTHONPATH"}  # Python's own, handed on to the engine


_READERS = re.compile(r"os\.environ\.get|os\.getenv|environment\.(flag|word|words|number|share|folder)")


def _reads(path: Path) -> dict[str, ast.Call]:
    """The environment variables that a source file reads, with the call that reads each."""
    source = path.read_text(encoding="utf-8")
    if not _READERS.search(source):
        return {}
    return {
        node.args[0].value: node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and _READERS.fullmatch(ast.unparse(node.func))
        and isinstance(node.args[0], ast.Constant)
    }


@cache
def variables_in_code() -> set[str]:
    sources = [ROOT / "chat.py", *(path for top in ("chat", "chatbot", "core") for path in (ROOT / top).rglob("*.py"))]
    found = set().union(*(_reads(path) for path in sources))
    for script in ("bin/serve", "bin/environment.sh"):
        found |= set(re.findall(r"\$\{([A-Z_]+):-", read(script)))
    return found - _NOT_OURS


@pytest.mark.parametrize("readme", READMES)
def test_the_table_of_settings_is_whole(readme):
    assert set(table_of(readme, "HOST")) == variables_in_code()


def test_the_table_of_settings_gives_the_defaults():
    table = {name: cells[0].strip("`") for name, cells in table_of("README.md", "HOST").items()}
    for name, call in _reads(ROOT / "chatbot" / "settings.py").items():
        kind = ast.unparse(call.func)
        given = next((ast.literal_eval(word.value) for word in call.keywords if _is_default(word)), None)
        if kind == "environment.flag":
            given = int(given or False)
        if isinstance(given, float):
            given = f"{given:g}"
        if given is not None:
            assert table[name] == str(given), name
    for name, default in re.findall(r"\$\{([A-Z_]+):-(\w+)\}", read("bin/serve")):
        assert table[name] == default


def _is_default(word: ast.keyword) -> bool:
    return word.arg == "default" and isinstance(word.value, ast.Constant)


# --- Layout -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("readme", READMES)
def test_the_paths_of_the_layout_exist_and_are_explained(readme):
    paths = tree(readme)
    assert [path for path, _ in paths if not (ROOT / path).exists()] == []
    assert [path for path, _ in paths if path.endswith("/") != (ROOT / path).is_dir()] == []
    assert [path for path, meaning in paths if not meaning] == []


@pytest.mark.parametrize("readme", READMES)
def test_the_layout_names_every_program_in_bin(readme):
    (meaning,) = (meaning for path, meaning in tree(readme) if path == "bin/")
    programs = {path.name for path in (ROOT / "bin").iterdir() if path.is_file() and os.access(path, os.X_OK)}
    assert programs - set(re.findall(r"\w+", meaning)) == set()


def test_the_layout_holds_every_top_level_entry_and_package():
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no git checkout: what belongs to the project is not known")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    entries = {first + slash for first, slash, _ in (line.partition("/") for line in listed) if first}
    packages = {f"core/{path.parent.name}/" for path in ROOT.glob("core/*/__init__.py")}
    assert (entries | packages) - {path for path, _ in tree("README.md")} == set()


# --- Packages -----------------------------------------------------------------------------------------------------


def requirements() -> dict[str, Requirement]:
    lines = itertools.chain(*(read(name).splitlines() for name in ("requirements.txt", "requirements-dev.txt")))
    wanted = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    return {requirement.name: requirement for requirement in wanted}


@pytest.mark.parametrize("readme", READMES)
def test_the_table_of_packages_is_whole(readme):
    assert set(table_of(readme, "django")) == set(requirements())


def installed_here() -> list[str]:
    """Leaves out what is for other machines."""
    found = requirements().items()
    return sorted(name for name, wanted in found if not wanted.marker or wanted.marker.evaluate())


@pytest.mark.parametrize("name", installed_here())
def test_a_package_has_the_licence_that_the_page_gives(name):
    metadata = importlib.metadata.metadata(name)
    classifiers = [line for line in metadata.get_all("Classifier") or [] if line.startswith("License ::")]
    # `License` may quote whole licences, also those of fonts and colours that come along: short names go first.
    said = " ".join([metadata["License-Expression"] or "", *classifiers]).strip() or metadata["License"] or ""
    if not said.strip():
        files = importlib.metadata.files(name) or []
        said = " ".join(file.read_text() for file in files if file.name in ("COPYING", "LICENSE"))
    # A package may quote its whole licence, which does not name itself: "Redistribution and use" is BSD's.
    said = said.replace("Redistribution and use", "BSD").replace("Python Software Foundation", "PSF")
    families = re.findall(r"Apache|BSD|MIT|MPL|GPL|PSF", table_of("README.md", "django")[name][1])
    assert families
    assert [family for family in families if family not in said] == []
    assert ("GPL" in said) == ("GPL" in families)


# --- Links --------------------------------------------------------------------------------------------------------


def _anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page get where pages are shown."""
    titles = (title for _, title in HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8"))))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", PAGES)
def test_links_and_pictures_lead_somewhere(document):
    broken = []
    for link in LINK.findall(prose(document)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []
