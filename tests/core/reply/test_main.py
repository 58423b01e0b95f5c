"""`python -m core.reply`: a file of questions answered line by line."""

import pytest

from core.reply import Reply, ReplyError, Responder
from core.reply import __main__ as program


class Echo:
    live = "the live model"

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass

    def reply(self, text):
        return Reply(f"{text}?", "neural", 1.0, "run-1")


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


def test_the_engine_alone_is_asked(run):
    run("하나\n".encode())
    assert run.opened[0]["mode"] == "neural"


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
