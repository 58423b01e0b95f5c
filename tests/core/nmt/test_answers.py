"""The files that tell what was found."""

import json
import os

import pytest

from core.nmt.answers import Answer, AnswerFiles, Finding, finite, read_answers, write_answers

ANSWERS = [
    Answer(
        0,
        ["나@@", "는"],
        [Finding(["b@@", "c", "a"], -0.5, -0.25, [[1.0, 0.0]] * 3), Finding(["d"], -2.0, -1.0, [[0.5, 0.5]])],
    ),
    Answer(1, [], []),
    Answer(2, ["x\u2028y"], [Finding([], -1.5, None, [])]),
]


def lines(path):
    text = path.read_text(encoding="utf-8")
    assert text == "" or text.endswith("\n")
    return text.split("\n")[:-1]


def test_each_line_has_as_many_answers_as_asked(tmp_path):
    best = AnswerFiles(tmp_path / "out", per_line=2).write(ANSWERS)
    assert lines(tmp_path / "out") == ["b@@ c a", "d", "", "", "", ""]
    assert best == ["b@@ c a", "", ""]


def test_subwords_are_joined_in_what_people_read(tmp_path):
    files = AnswerFiles(tmp_path / "out", tmp_path / "nbest", tmp_path / "looked", subword_option="bpe")
    assert files.write(ANSWERS) == ["bc a", "", ""]
    assert lines(tmp_path / "out") == ["bc a", "", ""]
    nbest = [json.loads(line) for line in lines(tmp_path / "nbest")]
    assert nbest[0] == {
        "line": 0,
        "source": "나@@ 는",
        "hypotheses": [
            {"text": "bc a", "score": -0.25, "log_prob": -0.5},
            {"text": "d", "score": -1.0, "log_prob": -2.0},
        ],
    }
    assert nbest[1] == {"line": 1, "source": "", "hypotheses": []}
    looked = [json.loads(line) for line in lines(tmp_path / "looked")]
    assert looked[0] == {"line": 0, "source": ["나@@", "는"], "target": ["b@@", "c", "a"], "weights": [[1.0, 0.0]] * 3}
    assert looked[1] == {"line": 1, "source": [], "target": [], "weights": []}
    assert len(looked) == 3


def test_an_alignment_belongs_to_the_answer_of_the_same_line(tmp_path):
    AnswerFiles(tmp_path / "out", None, tmp_path / "looked", per_line=2).write(ANSWERS)
    targets = [" ".join(json.loads(line)["target"]) for line in lines(tmp_path / "looked")]
    assert targets == lines(tmp_path / "out")


def test_answers_are_read_as_they_were_written(tmp_path):
    write_answers(tmp_path / "part", ANSWERS)
    assert list(read_answers(tmp_path / "part")) == ANSWERS


def test_json_has_no_infinity(tmp_path):
    assert [finite(number) for number in (-1.5, -float("inf"), float("nan"))] == [-1.5, None, None]
    with pytest.raises(ValueError, match="JSON"):
        write_answers(tmp_path / "part", [Answer(0, [], [Finding([], -float("inf"), 0.0)])])
    assert list(tmp_path.iterdir()) == []


def test_what_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "out").write_text("old\n", encoding="utf-8")

    def broken():
        yield ANSWERS[0]
        raise RuntimeError("the lights went out")

    with pytest.raises(RuntimeError):
        AnswerFiles(tmp_path / "out", tmp_path / "nbest").write(broken())
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert lines(tmp_path / "out") == ["old"]


def test_the_directory_is_made(tmp_path):
    AnswerFiles(tmp_path / "new" / "deep" / "out").write(ANSWERS)
    assert lines(tmp_path / "new" / "deep" / "out") == ["b@@ c a", "", ""]


def test_a_pipe_or_device_is_written_to_and_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        AnswerFiles(tmp_path / "pipe").write(ANSWERS)
        assert (tmp_path / "pipe").is_fifo()
        assert os.read(reader, 100).decode() == "b@@ c a\n\n\n"
    finally:
        os.close(reader)
