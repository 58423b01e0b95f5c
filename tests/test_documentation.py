"""The documents against the code: every command, flag, setting, path, package and link that they name is true."""

import ast
import importlib.metadata
import importlib.util
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest
from django.core.management import CommandError, get_commands, load_command_class
from packaging.requirements import Requirement

from chat.pairfiles import PairFile, open_pair_file, read_layout
from core.nmt import flags
from core.nmt.hparams import HParams

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.ko.md")
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^(#+) +(.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*=\S+")

# --- Reading a page -----------------------------------------------------------------------------------------------


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """A page without its code blocks."""
    return _FENCE.sub("", read(page))


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of one language, in order."""
    return [code for found, code in _FENCE.findall(read(page)) if found == language]


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
    words = [span.split() for span in _SPAN.findall(prose(page))]
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


OWN = sorted(path.stem for path in ROOT.glob("chat/management/commands/[a-z]*.py"))

# --- Commands -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("readme", READMES)
def test_the_engine_takes_the_commands_of_the_page(readme):
    given = arguments_of(readme, "python", "-m", "core.nmt")
    training, inference = (words for words in given if words != ["--help"])
    HParams.from_values(flags.parse(training).hparams)
    assert {"vocab_prefix", "train_prefix", "out_dir"} <= set(flags.parse(training).paths)
    assert set(flags.parse(inference).paths) == {"out_dir", "inference_input_file", "inference_output_file"}


@pytest.mark.parametrize("readme", READMES)
def test_manage_py_takes_the_commands_of_the_page(readme):
    given = arguments_of(readme, "python", "manage.py")
    given += [words for words in spans(readme) if words[0] in OWN]
    assert {"makedata", "importchats"} <= {words[0] for words in given}
    for name, *options in given:
        application = get_commands()[name]
        command = load_command_class(application, name) if isinstance(application, str) else application
        if not options and name == "importchats":
            continue  # named, not called
        try:
            command.create_parser("manage.py", name).parse_args(options)
        except CommandError as error:
            pytest.fail(f"manage.py {name} {shlex.join(options)}: {error}")


@pytest.mark.parametrize("readme", READMES)
def test_the_page_names_every_command_of_manage_py(readme):
    assert [name for name in OWN if name not in read(readme)] == []


@pytest.mark.parametrize("readme", READMES)
def test_the_console_takes_the_commands_of_the_page(readme):
    given = arguments_of(readme, "python", "chat.py")
    assert given
    for options in given:
        load_program("chat.py").parse(options)


@pytest.mark.parametrize("readme", READMES)
def test_programs_of_the_page_exist_and_may_be_run(readme):
    programs = {words[0] for words in commands(readme) + spans(readme) if words[0].startswith("bin/")}
    assert {"bin/serve", "bin/test", "bin/generate_vocab"} <= programs
    assert [name for name in programs if not os.access(ROOT / name, os.X_OK)] == []


@pytest.mark.parametrize("readme", READMES)
def test_every_option_that_is_named_is_one(readme, monkeypatch, capsys):
    """Options that the text names alone, without the command that they belong to."""
    known = {f"--{name}" for name in flags.PATHS} | {f"--{spec.name}" for spec in flags.flag_fields()} | {"--help"}
    for name in OWN:
        parser = load_command_class("chat", name).create_parser("manage.py", name)
        known |= {option for action in parser._actions for option in action.option_strings}
    for program, ask in (("chat.py", "parse"), ("bin/generate_vocab", "parse_arguments")):
        monkeypatch.setattr(sys, "argv", [program, "--help"])
        with pytest.raises(SystemExit):
            getattr(load_program(program), ask)(*([["--help"]] if ask == "parse" else []))
        known |= set(re.findall(r"--\w+", capsys.readouterr().out))
    named = {word for span in _SPAN.findall(prose(readme)) for word in span.split() if word.startswith("--")}
    assert named - known == set()


def test_both_languages_give_the_same_commands():
    english, korean = ((commands(page), blocks(page, "console")) for page in READMES)
    assert english == korean


def test_both_languages_have_the_same_headings_tables_and_tree():
    english, korean = ([len(marks) for marks, _ in _HEADING.findall(prose(page))] for page in READMES)
    assert english == korean
    english, korean = ([[cells[0] for cells in rows[1:]] for rows in tables(page)] for page in READMES)
    assert english[1:] == korean[1:]  # the first holds the screenshots
    assert [path for path, _ in tree(READMES[0])] == [path for path, _ in tree(READMES[1])]


def test_both_languages_give_the_same_defaults_and_licences():
    for first, column in (("HOST", 0), ("django", 1)):
        english, korean = ({name: cells[column] for name, cells in table_of(page, first).items()} for page in READMES)
        assert english == korean


# --- Examples, really run -----------------------------------------------------------------------------------------


def shell(command: str, **variables: str) -> str:
    """Run a line of the page as its reader would, in the environment's shell; its output."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    inherited = {name: value for name, value in os.environ.items() if name not in ("OUT_DIR", "ANALYSER")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=ROOT,
        env=inherited | {"PATH": path, "LC_ALL": "C.UTF-8"} | variables,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def example(program: str) -> tuple[str, str]:
    """The command and the output of the console block that runs a program."""
    (block,) = (block for block in blocks("README.md", "console") if program in block)
    command, _, output = block.partition("\n")
    return command.removeprefix("$ "), output


def test_the_vocabulary_example_prints_what_the_page_shows():
    command, output = example("bin/generate_vocab")
    assert shell(command) == output


def test_vocabularies_are_made_as_the_page_says(tmp_path):
    (block,) = (block for block in blocks("README.md", "sh") if "bin/generate_vocab" in block)
    lines = [line for line in block.splitlines() if line.startswith("bin/generate_vocab")]
    (tmp_path / "train.req").write_text("▁뭐 ▁해 ?\n▁뭐 라고 ?\n", encoding="utf-8")
    (tmp_path / "train.rep").write_text("▁쉬 어요 .\n▁아니 에요 .\n", encoding="utf-8")
    shell("\n".join(lines), D=str(tmp_path))
    assert (tmp_path / "vocab.req").read_text(encoding="utf-8").split() == [
        *("<unk>", "<s>", "</s>"),
        *("?", "▁뭐", "▁해", "라고"),
    ]
    assert (tmp_path / "vocab.rep").read_text(encoding="utf-8").split()[3] == "."


@pytest.mark.slow
def test_the_console_example_prints_what_the_page_shows(tmp_path):
    shutil.copytree(ROOT / "data" / "initial", tmp_path / "initial")
    command, output = example("chat.py")
    assert shell(command, DATA_DIR=str(tmp_path)) == output


@pytest.mark.parametrize("readme", READMES)
def test_the_first_step_asks_what_the_starter_corpus_answers(readme):
    with open_pair_file(ROOT / "data" / "initial" / "corpus.csv") as file:
        answers = {line.question: line.answer for line in PairFile(file, read_layout(file))}
    question, answer = re.findall(r"^1\. .*?`([^`]+\?)`.*?`([^`]+)`", prose(readme), re.MULTILINE | re.DOTALL)[0]
    assert answers[question] == answer


# --- Settings -----------------------------------------------------------------------------------------------------

_NOT_OURS = {"PYTHONPATH"}  # Python's own, handed on to the engine


def _calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Each call in a source file with the name of what is called, as in `environment.flag`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def _reads(path: Path) -> dict[str, ast.Call]:
    """The environment variables that a source file reads, with the call that reads each."""
    readers = re.compile(r"os\.environ\.get|os\.getenv|environment\.(flag|word|words|number|share|folder)")
    return {
        call.args[0].value: call
        for name, call in _calls(path)
        if readers.fullmatch(name) and isinstance(call.args[0], ast.Constant)
    }


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
    titles = (title for _, title in _HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", PAGES)
def test_links_and_pictures_lead_somewhere(document):
    broken = []
    for link in _LINK.findall(prose(document)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []
