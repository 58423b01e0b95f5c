"""Receipts by hand: what was to be learned, what changed on the way, and what a file of them may hold."""

import json

import pytest

from core.corpus import Example, Pair, Reason, UnheldCanary
from core.evolve import EvolveError
from core.evolve.parent import Parent, answers_by_question
from core.evolve.receipt import Canary, ChangedAnswer, Correction, Receipt, write_up
from core.text import Tokenizer


class Words:
    name = "words"

    def morphemes(self, text):
        return text.split()


TOKENIZER = Tokenizer(Words())
UNHELD = UnheldCanary("어디야?", "여기요", 9, Reason.SUPERSEDED)


def example(question, answer, *, bulk=True, row=None, canary=False):
    pair = Pair(question, answer, bulk=bulk, row=row, canary=canary)
    return Example(TOKENIZER.split(question), TOKENIZER.split(answer), pair)


def receipt(train, answers, parent=None, unheld=()):
    return write_up(train, answers, parent, run="run-2", unheld=unheld)


def parent(taught, given):
    return Parent("run-1", answers_by_question(taught), given)


def test_the_first_run_lists_what_people_reviewed():
    train = [example("가", "하나", bulk=False, row=7), example("나", "둘", bulk=False, row=8), example("다", "셋")]
    written = receipt(train, ["하나", "하나", "셋"])
    assert written.parent is None
    assert written.corrections == (
        Correction(7, "가", "하나", None, "하나", True),
        Correction(8, "나", "둘", None, "하나", False),
    )
    assert (written.changed, written.earlier, written.lost) == ((), 0, 0)


def test_corrections_and_the_rest_are_told_apart():
    before = parent([("가", "하나"), ("나", "둘"), ("다", "셋")], {"가": "하나", "나": "둘", "다": "셋", "라": "몰라"})
    train = [
        example("가", "일", row=1),
        example("나", "둘", row=2),
        example("다", "셋", row=3),
        example("라", "넷", row=4),
    ]
    written = receipt(train, ["일", "둘", "일", "몰라"], before)
    assert written.corrections == (
        Correction(1, "가", "일", "하나", "일", True),
        Correction(4, "라", "넷", "몰라", "몰라", False),
    )
    assert written.changed == (ChangedAnswer(3, "다", "셋", "셋", "일", "worse"),)
    assert (written.earlier, written.lost) == (2, 1)


@pytest.mark.parametrize(
    ("before", "now", "verdict"),
    [("하나", "둘", "different"), ("하나", "몰라", "worse"), ("몰라", "둘", "better"), ("몰라", "글쎄", "different")],
)
def test_a_changed_answer_is_better_or_worse_by_the_questions_own_answers(before, now, verdict):
    taught = [("가", "하나"), ("가", "둘")]
    train = [example(*pair, row=row) for row, pair in enumerate(taught)]
    (change,) = receipt(train, [now, now], parent(taught, {"가": before})).changed
    assert (change.row, change.verdict) == (0, verdict)


def test_what_became_worse_comes_first():
    taught = [(question, "네") for question in "가나다라"]
    train = [example(*pair) for pair in taught]
    before = parent(taught, {"가": "글쎄", "나": "글쎄", "다": "네", "라": "네"})
    changed = receipt(train, ["몰라", "네", "몰라", "네"], before).changed
    assert [(change.question, change.verdict) for change in changed] == [
        ("다", "worse"),
        ("나", "better"),
        ("가", "different"),
    ]


def test_a_question_with_a_new_second_answer_has_learned_either():
    train = [example("가", "하나", row=1), example("가", "둘", row=2)]
    written = receipt(train, ["하나", "하나"], parent([("가", "하나")], {"가": "하나"}))
    assert [(one.row, one.learned) for one in written.corrections] == [(2, True)]
    assert (written.earlier, written.changed) == (0, ())


def test_canaries_hold_word_for_word():
    train = [example("가", "하나", row=1, bulk=False, canary=True), example("나", "둘", row=2, bulk=False, canary=True)]
    written = receipt(train, ["하나", "둘이요"], unheld=[UNHELD])
    assert written.canaries == (Canary(1, "가", "하나", "하나", True), Canary(2, "나", "둘", "둘이요", False))
    assert written.unheld == (UNHELD,)
    assert (written.counts["canaries"], written.counts["canaries_held"]) == (2, 1)


def test_a_parent_that_kept_no_answers_has_lost_none():
    train = [example("가", "하나"), example("나", "둘")]
    written = receipt(train, ["몰라", "둘"], parent([("가", "하나")], {}))
    assert [one.before for one in written.corrections] == [None]
    assert (written.earlier, written.lost, written.changed) == (0, 0, ())


@pytest.fixture
def full():
    train = [
        example("가", "일", row=1, bulk=False, canary=True),
        *(example(question, "네", row=2) for question in "나다"),
    ]
    before = parent([("가", "하나"), ("나", "네"), ("다", "네")], {"가": "하나", "나": "네", "다": "네"})
    return receipt(train, ["", "아니요", "네"], before, [UNHELD])


def test_a_receipt_is_read_as_it_was_written(full, tmp_path):
    full.write(tmp_path / "receipt.json")
    assert Receipt.read(tmp_path / "receipt.json") == full
    assert [path.name for path in tmp_path.iterdir()] == ["receipt.json"]


def test_the_file_says_what_it_is_agreed_to_say(full):
    content = json.loads(json.dumps(full.to_dict(), ensure_ascii=False))
    assert content["corrections"] == [
        {"row": 1, "question": "가", "answer": "일", "before": "하나", "given": "", "learned": False}
    ]
    assert content["changed"] == [
        {"row": 2, "question": "나", "answer": "네", "before": "네", "after": "아니요", "verdict": "worse"}
    ]
    assert content["canaries"] == [{"row": 1, "question": "가", "answer": "일", "given": "", "held": False}]
    assert content["unheld"] == [{"row": 9, "question": "어디야?", "answer": "여기요", "reason": "superseded"}]
    assert content["counts"] == {
        "corrections": 1, "learned": 0, "earlier": 2, "lost": 1, "better": 0, "worse": 1, "different": 0,
        "canaries": 1, "canaries_held": 0,
    }  # fmt: skip
    assert (content["run"], content["parent"]) == ("run-2", "run-1")


def test_receipts_of_older_runs_are_read(tmp_path):
    pair = {"row": None, "question": "가", "answer": "하나", "learned": True, "given": "하나"}
    old = {"run": "run-0", "parent": None, "learned": 1, "reviewed": 1, "pairs": [pair]}
    (tmp_path / "receipt.json").write_text(json.dumps(old), encoding="utf-8")
    read = Receipt.read(tmp_path / "receipt.json")
    assert read.corrections == (Correction(None, "가", "하나", None, "하나", True),)
    assert (read.earlier, read.canaries) == (0, ())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"run": "run-1", "cor', "cut short or damaged"),
        (b"\xff", "cut short or damaged"),
        (b"{}", "is no receipt: KeyError 'counts'"),
        (b"[]", "is no receipt"),
        (b'{"run": "a", "parent": null, "pairs": [3]}', "is no receipt"),
    ],
)
def test_a_damaged_receipt_is_refused_with_the_reason(tmp_path, content, reason):
    (tmp_path / "receipt.json").write_bytes(content)
    with pytest.raises(EvolveError, match=reason):
        Receipt.read(tmp_path / "receipt.json")


def test_a_run_without_a_receipt_is_named(tmp_path):
    with pytest.raises(EvolveError, match="run-1 has kept no receipt"):
        Receipt.read(tmp_path / "run-1" / "receipt.json")


def test_what_cannot_be_written_leaves_the_receipt_that_was_there(full, tmp_path, monkeypatch):
    path = tmp_path / "receipt.json"
    path.write_text("before")
    monkeypatch.setattr("core.evolve.receipt.os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        full.write(path)
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("receipt.json", "before")]


def test_the_summary_shows_what_failed_with_the_answer_now_given(full):
    assert full.summary() == [
        "corrections: 0 of 1 learned word for word",
        "  not learned (row 1): 가 → 일; it answers: nothing",
        "earlier answers: 1 of 2 lost; 1 changed: 0 better, 1 worse, 0 different",
        "  worse (row 2): 나 → 네; it now answers: 아니요",
        "must always hold: 0 of 1 do",
        "  does not hold (row 1): 가 → 일; it answers: nothing",
    ]


def test_a_long_list_is_shown_in_part_and_counted():
    train = [example(f"질문 {n}", "네", bulk=False) for n in range(12)]
    lines = receipt(train, ["아니요"] * 12).summary(shown=3)
    assert lines[0] == "reviewed pairs: 0 of 12 learned word for word"
    assert len(lines) == 5
    assert lines[-1] == "  and 9 more that were not learned"
