"""Questions by key, by number and by likeness."""

from core.memory.features import Spelling
from core.memory.questions import Questions


def near(questions, text):
    return [one.spelling.key for one in questions.known(questions.numbers_near(Spelling.of(text), 5))]


def test_a_question_is_there_at_once_and_found_once_it_is_committed():
    questions = Questions()
    added = questions.add(Spelling.of("배고파"))
    assert questions.get("배고파") is added
    assert len(questions) == 1
    assert near(questions, "배고파") == []
    questions.commit()
    assert near(questions, "배고파요") == ["배고파"]


def test_one_that_was_removed_is_not_found_even_before_that_is_committed():
    questions = Questions()
    for text in ("배고파", "배불러"):
        questions.add(Spelling.of(text))
    questions.commit()
    questions.remove("배고파")
    questions.remove("없는 질문")
    assert (questions.get("배고파"), len(questions)) == (None, 1)
    assert near(questions, "배고파") == ["배불러"]


def test_one_that_comes_back_has_a_number_of_its_own():
    questions = Questions()
    first = questions.add(Spelling.of("배고파"))
    questions.remove("배고파")
    assert questions.add(Spelling.of("배고파")).number != first.number
    questions.commit()
    assert near(questions, "배고파") == ["배고파"]
