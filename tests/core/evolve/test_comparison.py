"""Two versions side by side: what was taught, what is answered, and who decides what is better."""

import pytest

from core.evolve.comparison import Change, Difference, Taught, compare_lessons, compare_values, read_lessons
from core.evolve.errors import EvolveError


def write(directory, *rows):
    """A run's files from rows of tokens: question, answer, given."""
    directory.mkdir(exist_ok=True)
    for suffix, texts in zip(("req", "rep", "hyp"), zip(*rows, strict=True), strict=True):
        (directory / f"train.{suffix}").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return directory


def test_lessons_are_texts_again_with_all_answers_of_a_question(tmp_path):
    run = write(tmp_path, ("▁안녕 하 세요", "▁반가워 요", "▁또 ▁봐 요"), ("▁안녕 하 세요", "▁또 ▁봐 요", "▁또 ▁봐 요"))
    taught = read_lessons(run)
    assert taught == {"안녕하세요": Taught(("반가워요", "또 봐요"), "또 봐요")}
    assert taught["안녕하세요"].learned


def test_an_empty_answer_is_no_learned_one(tmp_path):
    taught = read_lessons(write(tmp_path, ("▁안녕", "▁네", "")))
    assert taught["안녕"].given == ""
    assert not taught["안녕"].learned


def test_an_empty_corpus_has_no_lessons(tmp_path):
    for suffix in ("req", "rep", "hyp"):
        (tmp_path / f"train.{suffix}").write_text("")
    assert read_lessons(tmp_path) == {}


@pytest.mark.parametrize("suffix", ["req", "rep", "hyp"])
def test_files_that_are_missing_or_do_not_match_are_said(tmp_path, suffix):
    run = write(tmp_path / "run", ("▁안녕", "▁네", "▁네"))
    (run / f"train.{suffix}").write_text("▁안녕\n▁잘\n", encoding="utf-8")
    with pytest.raises(EvolveError, match="don't belong together"):
        read_lessons(run)
    (run / f"train.{suffix}").unlink()
    with pytest.raises(EvolveError, match=f"no train.{suffix}"):
        read_lessons(run)


def test_the_second_versions_own_answers_decide_what_is_better():
    before = {
        "나아짐": Taught(("하나",), "몰라요"),
        "고쳐짐": Taught(("하나",), "하나"),
        "나빠짐": Taught(("하나",), "하나"),
        "둘 다 틀림": Taught(("하나",), "몰라요"),
        "둘 다 맞음": Taught(("하나", "둘"), "하나"),
        "그대로": Taught(("하나",), "하나"),
        "옛것": Taught(("하나",), "하나"),
    }
    after = {
        "나아짐": Taught(("하나",), "하나"),
        "고쳐짐": Taught(("둘",), "둘"),
        "나빠짐": Taught(("하나",), "몰라요"),
        "둘 다 틀림": Taught(("하나",), "글쎄요"),
        "둘 다 맞음": Taught(("하나", "둘"), "둘"),
        "그대로": Taught(("하나",), "하나"),
        "새것": Taught(("하나",), "하나"),
    }
    lessons = compare_lessons(before, after)
    assert lessons.changed == (
        Change("나빠짐", "하나", "몰라요", "worse"),
        Change("나아짐", "몰라요", "하나", "better"),
        Change("고쳐짐", "하나", "둘", "better"),
        Change("둘 다 틀림", "몰라요", "글쎄요", "different"),
        Change("둘 다 맞음", "하나", "둘", "different"),
    )
    assert lessons.added == (("고쳐짐", "둘"), ("새것", "하나"))
    assert lessons.removed == (("고쳐짐", "하나"), ("옛것", "하나"))


def test_values_that_differ_or_that_one_side_lacks():
    assert compare_values({"a": 1, "b": 2, "c": None}, {"a": 1, "b": 3, "d": 4}) == [
        Difference("b", 2, 3),
        Difference("c", None, None),
        Difference("d", None, 4),
    ]
