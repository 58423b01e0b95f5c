"""Every command, flag and example of the documents works as they say."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, get_commands, load_command_class

from chat.pairfiles import PairFile, open_pair_file, read_layout
from core.nmt import flags
from core.nmt.hparams import HParams
from tests.documents import (
    HEADING,
    OWN,
    READMES,
    ROOT,
    SPAN,
    arguments_of,
    blocks,
    commands,
    load_program,
    prose,
    read,
    spans,
    table_of,
    tables,
    tree,
)

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
    named = {word for span in SPAN.findall(prose(readme)) for word in span.split() if word.startswith("--")}
    assert named - known == set()


def test_both_languages_give_the_same_commands():
    english, korean = ((commands(page), blocks(page, "console")) for page in READMES)
    assert english == korean


def test_both_languages_have_the_same_headings_tables_and_tree():
    english, korean = ([len(marks) for marks, _ in HEADING.findall(prose(page))] for page in READMES)
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


@pytest.mark.slow
def test_the_vocabulary_example_prints_what_the_page_shows():
    command, output = example("bin/generate_vocab")
    assert shell(command) == output


@pytest.mark.slow
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
