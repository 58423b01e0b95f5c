"""What a run's parent was taught and answered, read from its files, and what is new beside it."""

import pytest

from core.corpus import Example, Pair
from core.evolve.parent import Parent, answers_by_question, corrections
from core.text import Tokenizer


class Words:
    name = "words"

    def morphemes(self, text):
        return text.split()


TOKENIZER = Tokenizer(Words())


def example(question, answer, *, bulk=True):
    return Example(TOKENIZER.split(question), TOKENIZER.split(answer), Pair(question, answer, bulk=bulk))


@pytest.fixture
def write(tmp_path):
    def write(**files):
        for name, sentences in files.items():
            lines = "".join(f"{' '.join(TOKENIZER.split(sentence))}\n" for sentence in sentences)
            (tmp_path / name.replace("_", ".")).write_text(lines, encoding="utf-8")
        return tmp_path

    return write


def test_a_parent_is_read_from_its_files(write):
    directory = write(
        train_req=["누구 야?", "누구 야?", "뭐 해?"],
        train_rep=["자람 이에요.", "저는 자람.", "쉬어요."],
        train_hyp=["저는 자람.", "저는 자람.", ""],
        test_req=["어디 야?"],
        test_rep=["여기요."],
        test_hyp=["저기요."],
    )
    parent = Parent.read("run-1", directory)
    assert parent.taught == {"누구 야?": {"자람 이에요.", "저는 자람."}, "뭐 해?": {"쉬어요."}}
    assert parent.given == {"누구 야?": "저는 자람.", "뭐 해?": "", "어디 야?": "저기요."}
    assert parent.unseen == {"어디 야?"}


def test_of_an_old_parent_only_what_it_kept_is_known(write, caplog):
    parent = Parent.read("run-1", write(train_req=["누구 야?"], train_rep=["자람."]))
    assert (dict(parent.given), parent.unseen) == ({}, frozenset())
    assert parent.taught
    assert caplog.text == ""


def test_a_parent_without_any_files_is_unknown(tmp_path):
    assert Parent.read("run-1", tmp_path) == Parent("run-1")


def test_answers_that_do_not_belong_to_the_questions_are_not_used(write, caplog):
    parent = Parent.read("run-1", write(train_req=["하나", "둘"], train_rep=["일", "이"], train_hyp=["일"]))
    assert (parent.given, len(parent.taught)) == ({}, 2)
    assert "train.hyp of the live model has another length" in caplog.text


def test_unreadable_answers_count_as_missing(write, caplog):
    directory = write(train_req=["하나"], train_rep=["일"])
    (directory / "train.hyp").write_bytes(b"\xff\n")
    assert Parent.read("run-1", directory).given == {}
    assert "train.hyp of the live model can't be read" in caplog.text


def test_spelling_is_no_difference(write):
    spelt = Example(["▁", "하", "나"], ["▁", "일"], Pair("하나", "일"))
    assert corrections([spelt], Parent.read("run-1", write(train_req=["하나"], train_rep=["일"]))) == []


def test_without_a_parent_every_reviewed_pair_is_a_correction():
    train = [example("하나", "일", bulk=False), example("둘", "이")]
    assert corrections(train, None) == train[:1]
    assert corrections(train, Parent("of tensorflow/nmt")) == train[:1]


@pytest.mark.parametrize(
    ("taught", "now", "new"),
    [
        ([("하나", "일")], [("하나", "일")], []),
        ([("하나", "일")], [("하나", "첫째")], [("하나", "첫째")]),
        ([("하나", "일")], [("하나", "일"), ("둘", "이")], [("둘", "이")]),
        ([("하나", "일"), ("하나", "첫째")], [("하나", "첫째")], [("하나", "첫째")]),
        ([("하나", "일")], [("하나", "일"), ("하나", "첫째")], [("하나", "첫째")]),
        ([("하나", "일"), ("둘", "이")], [("둘", "이")], []),
    ],
    ids=["same", "other answer", "new question", "one of two is left", "a second one", "question is gone"],
)
def test_what_the_parent_was_not_taught_is_a_correction(taught, now, new):
    parent = Parent("run-1", answers_by_question(taught))
    found = corrections([example(*pair) for pair in now], parent)
    assert [(one.pair.question, one.pair.answer) for one in found] == new


def test_what_was_taught_in_vain_stays_a_correction():
    taught = [("하나", "일"), ("둘", "이"), ("셋", "삼"), ("넷", "사")]
    given = {"하나": "몰라", "둘": "몰라", "셋": "삼"}
    reviewed = [example(*pair, bulk=pair[0] == "둘") for pair in taught]
    assert corrections(reviewed, Parent("run-1", answers_by_question(taught), given)) == reviewed[:1]
