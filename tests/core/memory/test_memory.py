"""The memory as its users see it."""

import random

import pytest

from core.memory import Lesson, Memory, digest
from core.text import Tokenizer, get_analyser, question_key
from core.text.noise import Family, Kind, noisy

LESSONS = [
    Lesson(1, "오늘 뭐 해?", "자라는 중이에요."),
    Lesson(2, "너 이름이 뭐야?", "자람이에요."),
    Lesson(3, "배고파", "얼른 맛난 음식 드세요."),
    Lesson(4, "여행 가고 싶다", "여행은 언제나 좋죠."),
]


@pytest.fixture
def memory():
    made = Memory(Tokenizer(get_analyser()))
    made.put(LESSONS)
    return made


def top(memory, question):
    return [(match.row, match.answer) for match in memory.find(question)][:1]


def test_the_same_question_is_found_with_similarity_one_and_no_other_is(memory):
    exact, *others = memory.find("오늘뭐해ㅋㅋ")
    assert (exact.row, exact.question, exact.answer, exact.similarity) == (1, "오늘 뭐 해?", "자라는 중이에요.", 1.0)
    assert all(0 < match.similarity < 1 for match in others)


@pytest.mark.parametrize("noisy", ["너 이름이 뭐에요?", "너이름이 모야", "sj dlfmadl anjdi", "네 이름이 뭐야!!"])
def test_a_question_in_another_form_finds_its_answer(memory, noisy):
    assert top(memory, noisy) == [(2, "자람이에요.")]


def test_nothing_in_common_finds_nothing(memory):
    assert memory.find("xyz") == []
    assert memory.find("") == []


def test_an_empty_memory_finds_nothing():
    memory = Memory(Tokenizer(get_analyser()))
    assert memory.find("안녕") == []
    assert memory.size == 0


def test_a_row_that_is_put_is_found_and_one_put_again_is_replaced(memory):
    memory.put([Lesson(5, "축구 좋아해?", "그럼요.")])
    assert top(memory, "축구 좋아해?") == [(5, "그럼요.")]
    memory.put([Lesson(5, "야구 좋아해?", "아니요.")])
    assert top(memory, "야구 좋아해?") == [(5, "아니요.")]
    assert all(match.question != "축구 좋아해?" for match in memory.find("축구 좋아해?"))
    assert memory.size == 5


def test_a_row_that_is_dropped_is_gone(memory):
    memory.drop([3, 99])
    assert all(match.row != 3 for match in memory.find("배고파"))
    assert memory.size == 3


def test_a_row_without_an_answer_is_never_found(memory):
    memory.put([Lesson(3, "배고파", None, ("참으세요.",))])
    assert all(match.row != 3 for match in memory.find("배고파"))
    assert memory.size == 3


def test_of_answers_to_one_question_the_newest_comes_first_and_equal_ones_are_one(memory):
    memory.put([Lesson(9, "배 고파!", "저도요."), Lesson(7, "배고파", "저도요."), Lesson(8, "배고파?", "뭐 먹을까요?")])
    assert [(match.row, match.answer) for match in memory.find("배고파")][:3] == [
        (8, "뭐 먹을까요?"),
        (7, "저도요."),
        (3, "얼른 맛난 음식 드세요."),
    ]
    memory.put([Lesson(3, "배고파", "얼른 드세요.")])
    assert top(memory, "배고파") == [(3, "얼른 드세요.")]


def test_a_limit_is_kept(memory):
    memory.put([Lesson(10 + number, "배고파", f"{number}번") for number in range(20)])
    assert len(memory.find("배고파", limit=5)) == 5


def test_a_wrong_answer_is_wrong_however_the_question_and_it_are_spelt(memory):
    memory.put([Lesson(3, "배고파", "얼른 드세요.", ("참으세요.",))])
    assert memory.is_wrong("배 고파ㅋㅋ", "참으세요")
    assert not memory.is_wrong("배고파", "얼른 드세요.")
    assert not memory.is_wrong("여행 가고 싶다", "참으세요.")
    memory.drop([3])
    assert not memory.is_wrong("배고파", "참으세요.")


def test_an_approved_pair_wins_over_a_wrong_mark(memory):
    memory.put([Lesson(20, "배고파", None, ("참으세요.",)), Lesson(21, "배고파!", "참으세요.")])
    assert not memory.is_wrong("배고파", "참으세요.")
    memory.drop([21])
    assert memory.is_wrong("배고파", "참으세요.")


def test_a_correction_of_marks_alone_makes_the_old_spelling_wrong(memory):
    memory.put([Lesson(20, "배고파", "참으세요!", ("참으세요",))])
    assert memory.is_wrong("배고파", "참으세요")
    assert not memory.is_wrong("배고파", "참으세요!")


ASKED = ["배고파", "여행 가고 싶어", "오늘 점심에는 뭐 먹지?", "나 너무 피곤해요", "남자친구가 생겼어.", "이름이 뭐야?"]


def refused(memory, question, answer="참으세요."):
    """Whether an answer is refused as whoever answers asks for it."""
    return memory.is_wrong(question, answer, memory.alike(question, memory.find(question)))


@pytest.mark.parametrize("right", [None, "그렇군요."])
@pytest.mark.parametrize("kind", Kind)
def test_what_is_wrong_is_wrong_for_every_noisy_form_with_and_without_a_right_answer(memory, kind, right):
    memory.put(Lesson(row, asked, right, ("참으세요.",)) for row, asked in enumerate(ASKED, start=100))
    rng = random.Random(5)
    forms = {noisy(asked, kind, family, rng) for asked in ASKED for family in Family for _ in range(5)} - {None}
    assert len(forms) > 3
    assert [form for form in forms if not refused(memory, form)] == []
    assert not any(refused(memory, form, "다른 답") for form in forms)
    memory.drop(range(100, 200))
    assert not any(refused(memory, form) for form in forms)


def test_what_is_wrong_is_not_wrong_for_another_question(memory):
    memory.put([Lesson(20, "여행 가기 싫어", None, ("여행은 언제나 좋죠.",))])
    assert not refused(memory, "여행 가고 싶다", "여행은 언제나 좋죠.")
    assert not refused(memory, "여행 좋아해?", "여행은 언제나 좋죠.")


def test_a_question_with_wrong_answers_alone_is_not_among_those_found_and_keeps_none_of_them_out(memory):
    memory.put(Lesson(100 + number, f"배고파 {number}번", None, ("참으세요.",)) for number in range(60))
    assert top(memory, "배고파 61번") == [(3, "얼른 맛난 음식 드세요.")]


def test_an_approval_of_the_very_question_wins_over_marks_of_its_other_forms(memory):
    memory.put([Lesson(20, "배고파", None, ("참으세요.",))])
    assert refused(memory, "배고파요")
    memory.put([Lesson(21, "배고파요", "참으세요.")])
    assert not refused(memory, "배고파요ㅋㅋ")
    assert refused(memory, "배고파")


def test_a_question_that_is_answered_and_unanswered_again_stays_refused(memory):
    memory.put([Lesson(20, "점심 뭐 먹지", None, ("참으세요.",))])
    memory.put([Lesson(21, "점심 뭐 먹지", "김밥이요.")])
    assert refused(memory, "점심 뭐 먹찌")
    assert memory.find("점심 뭐 먹지")[0].answer == "김밥이요."
    memory.drop([21])
    assert refused(memory, "점심 뭐 먹찌")
    memory.drop([20])
    assert not refused(memory, "점심 뭐 먹찌")


def test_marks_whose_text_is_gone_hold_in_the_other_ending_too(memory):
    assert not memory.has_wrong("배불러")
    memory.keep_wrong([(digest(question_key("배불러")), digest(question_key("참으세요.")))])
    assert memory.has_wrong("배불러ㅋㅋ")
    assert not memory.has_wrong("배고파")
    assert refused(memory, "배불러요ㅠㅠ")
    assert not refused(memory, "배고파요")
