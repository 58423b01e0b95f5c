"""`python -m core.reply`: a file of questions answered line by line."""

from types import SimpleNamespace

import pytest

from core.reply import Reply, ReplyError, Responder, fitting
from core.reply import __main__ as program
from core.reply.calibration import DEFAULT, Calibration


class Echo:
    live = "the live model"

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass

    def reply(self, text, mode):
        return Reply(f"{text}?", mode, 1.0, "run-1")


@pytest.fixture
def run(tmp_path, monkeypatch):
    opened = []

    def open_echo(cls, data_dir, **options):
        opened.append(options)
        return Echo()

    def run(content, *arguments):
        (tmp_path / "asked").write_bytes(content)
        files = (f"--questions={tmp_path / 'asked'}", f"--answers={tmp_path / 'answered'}")
        return program.main([f"--out_dir={tmp_path}", *files, *arguments])

    monkeypatch.setattr(Responder, "open", classmethod(open_echo))
    run.opened = opened
    run.answers = tmp_path / "answered"
    return run


def test_every_line_has_its_answer(run):
    assert run("하나\n\n셋 \u2028 넷\n".encode()) == 0
    assert run.answers.read_text(encoding="utf-8") == "하나?\n?\n셋 \u2028 넷?\n"


def test_the_analyser_is_handed_on_and_nothing_is_swapped(run):
    run("하나\n".encode(), "--analyser=mecab")
    assert (run.opened[0]["analyser"], run.opened[0]["watch"]) == ("mecab", False)


def test_the_engine_alone_is_asked_and_knows_what_was_reviewed(run, monkeypatch):
    modes = []
    monkeypatch.setattr(Echo, "reply", lambda _self, text, mode: modes.append(mode) or Reply(text, mode, 1.0, "run-1"))
    run("하나\n".encode())
    assert modes == ["neural"]
    assert "mode" not in run.opened[0]  # as a server: what a reviewer wrote may echo its question


def test_a_fitted_calibration_is_written_beside_the_model(monkeypatch, tmp_path):
    (tmp_path / "model").mkdir()
    monkeypatch.setattr(fitting, "fit", lambda *_arguments: DEFAULT)
    program.calibrate(SimpleNamespace(own_memory="memory"), tmp_path / "model", "mecab")
    assert Calibration.load(tmp_path / "calibration.json") == DEFAULT


def test_a_model_without_memory_or_without_labelled_questions_gets_none(monkeypatch, tmp_path):
    (tmp_path / "model").mkdir()
    monkeypatch.setattr(fitting, "fit", lambda *_arguments: None)
    for memory in (None, "memory"):
        program.calibrate(SimpleNamespace(own_memory=memory), tmp_path / "model", "mecab")
    assert not (tmp_path / "calibration.json").exists()


def test_the_run_is_calibrated_by_the_same_process_where_that_is_asked_for(run, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(program, "calibrate", lambda *arguments: asked.append(arguments))
    run("하나\n".encode(), "--calibrate=false")
    assert asked == []
    run("하나\n".encode(), "--calibrate=true", "--analyser=mecab")
    assert asked == [("the live model", tmp_path, "mecab")]


def test_a_model_that_does_not_load_is_told_in_one_line(run, monkeypatch, capsys):
    def refuse(cls, *_arguments, **_options):
        raise ReplyError("the model run-1 can't be loaded: no weights")

    monkeypatch.setattr(Responder, "open", classmethod(refuse))
    assert run("하나\n".encode()) == 2
    assert capsys.readouterr().err == "core.reply: the model run-1 can't be loaded: no weights\n"
    assert not run.answers.exists()


def test_a_file_that_is_no_text_is_told(run, capsys):
    assert run(b"\xff\n") == 2
    assert "can't decode byte" in capsys.readouterr().err
