"""Spellings and features of questions."""

from core.memory.features import Features, Spelling, runs
from core.text import Tokenizer, get_analyser

TOKENIZER = Tokenizer(get_analyser())


def features(question):
    return Features.of(Spelling.of(question), TOKENIZER)


def test_a_spelling_holds_the_words_and_the_key():
    assert Spelling.of("  OK 배 고파?ㅋㅋ") == ("ok 배 고파?", "ok배고파")


def test_both_spellings_are_searched_with_their_ends_marked():
    assert Spelling.of("배 고파").searched == (" 배 고파 ", "^배고파$")


def test_runs_are_all_that_fit():
    assert runs("배고파", 2) == ["배고", "고파"]
    assert runs("배", 2) == []


def test_spaces_and_marks_change_neither_pieces_nor_letters():
    one, other = features("배고파"), features("배 고 파!?")
    assert one.pieces == other.pieces == {"배", "고", "파", "^배", "배고", "고파", "파$"}
    assert one.letters == other.letters


def test_endings_change_no_stem():
    assert features("학교에 갔어").stems == features("학교 갔니").stems


def test_one_wrong_letter_leaves_most_runs_of_letters():
    one, other = features("오늘 저녁 뭐 먹지").letters, features("오늘 저넉 뭐 먹지").letters
    assert len(one & other) / len(one) > 0.75


def test_a_question_beyond_all_length_is_compared_by_its_beginning():
    assert len(features("가나다라마바사 " * 5000).letters) < 1000
