"""docs/engine.md against the code: every flag, every module, every file and every command that it names."""

import os
import re
import shlex
from pathlib import Path

import pytest

from core.nmt.__main__ import main
from core.nmt.configuration import STANDARD_DIRECTORY, configure
from core.nmt.flags import PATHS, flag_fields, option_fields, parse
from core.nmt.hparams import METRIC_NAMES
from core.nmt.hyperparameter import Role

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
CHANGES = {
    Role.SHAPE: "shape",
    Role.LEARNING: "learning",
    Role.RUN: "run",
    Role.DECODING: "decoding",
    Role.NO_EFFECT: "none",
}


def flag_rows():
    """The rows that the table of flags must have."""
    rows = [f"| `--{name}` | | {meaning} | file |" for name, meaning in PATHS.items()]
    for spec in (*option_fields(), *flag_fields()):
        changes = "command" if spec in option_fields() else CHANGES[spec.metadata["role"]]
        choices = ", ".join(f"`{choice}`" if choice else "empty" for choice in spec.metadata["choices"])
        meaning = spec.metadata["help"] + (f" One of {choices}." if choices else "")
        rows.append(f"| `--{spec.name}` |{shown(spec.default)} | {escaped(meaning)} | {changes} |")
    return [row.replace("PREFIX.<", "PREFIX.\\<") for row in rows]


def shown(value):
    if value is None or value == "":
        return ""
    return f" `{str(value).lower() if isinstance(value, bool) else value}`"


def escaped(text):
    """What Markdown would take for a tag."""
    return text.replace("<unk>", "`<unk>`")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def commands():
    """The commands of the page, as words, with its variables in place."""
    script = "\n".join(blocks("sh")).replace("\\\n", " ")
    variables, found = {}, []
    for line in filter(None, script.splitlines()):
        for name, value in variables.items():
            line = line.replace(f"${name}", value)
        if assigned := re.fullmatch(r"([A-Z]+)=(\S+)", line):
            variables[assigned[1]] = assigned[2]
        else:
            found.append(shlex.split(line))
    return found


def test_the_table_has_every_flag_as_it_is():
    start = PAGE.index("| Flag | Default |")
    rows = [line for line in PAGE[start:].splitlines()[2:] if line.startswith("|")]
    assert rows == flag_rows()


def test_the_modules_that_the_page_names_are_there():
    headings = re.findall(r"^### .*?: (.*)$", PAGE, re.MULTILINE)
    named = {name for heading in headings for name in re.findall(r"`(\w+)`", heading)}
    assert len(named) > 20
    assert [name for name in named if not (ROOT / "core" / "nmt" / f"{name}.py").is_file()] == []


def test_the_flags_that_the_text_names_are_flags():
    known = {*PATHS, *(spec.name for spec in (*option_fields(), *flag_fields())), "help"}
    # Those of the first versions, which the page tells what became of.
    gone = {"learning_rate_decay_scheme", "start_decay_step", "decay_steps", "decay_factor"}
    assert set(re.findall(r"--([a-z_0-9]+)", PAGE)) - known == gone


def test_the_programs_that_the_page_names_are_there():
    named = set(re.findall(r"`bin/(\w+)", PAGE))
    assert named == {"import_nmt", "plot_alignments"}
    assert [name for name in named if not os.access(ROOT / "bin" / name, os.X_OK)] == []


def test_the_page_names_every_file_that_is_shipped():
    for path in STANDARD_DIRECTORY.glob("*.json"):
        assert f"`{path.stem}`" in PAGE


def test_the_engine_takes_the_commands_of_the_page():
    given = commands()
    assert len(given) == 4
    for *program, argv in ((*words[:3], words[3:]) for words in given):
        assert program == ["python", "-m", "core.nmt"]
        command = parse(argv)
        assert configure(command).hparams.metric_names


@pytest.mark.slow
def test_the_commands_of_the_page_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    few = tmp_path / "few"
    few.mkdir()
    for name in ("train.req", "train.rep", "vocab.req", "vocab.rep"):
        lines = (ROOT / "data" / "initial" / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (few / name).write_text("".join(lines[:20] if name.startswith("train") else lines), encoding="utf-8")
    for words in commands():
        words = [word.replace("data/mine", str(tmp_path)).replace("data/initial", str(few)) for word in words]
        small = ["--num_train_steps=2", "--num_units=8", "--batch_size=4"]
        answers = "--inference_input_file" in " ".join(words)
        assert main([*words[3:], *([] if answers else small)]) == 0, capsys.readouterr().err
    assert {"greedy.txt", "beam.txt"} <= {path.name for path in (tmp_path / "model").iterdir()}
    names = {}
    for program in blocks("python"):
        exec(compile(program.replace("data/mine", str(tmp_path)), "docs/engine.md", "exec"), names)
    assert isinstance(names["answer"].tokens, tuple)
    assert set(names["scores"]) == set(METRIC_NAMES)
    assert all(90 < figure <= 100 for figure in names["scores"].values())
