"""What is never said."""

import pytest

from core.memory import Lesson, Memory
from core.reply import Blocklist
from core.reply.guard import Guard, Refusal, is_loop


@pytest.fixture
def memory(tokenizer):
    memory = Memory(tokenizer)
    memory.put([Lesson(1, "뭐 해", "놀아요.", ("싫어요.",))])
    return memory


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        ("", Refusal.EMPTY),
        ("  ", Refusal.EMPTY),
        ("저는 <unk> 좋아요", Refusal.UNKNOWN_TOKEN),
        ("이 바 보야", Refusal.BLOCKED),
        ("싫어요.", Refusal.WRONG),
        ("뭐해??", Refusal.ECHO),
        ("좋아요 좋아요 좋아요", Refusal.LOOP),
        ("놀아요.", None),
    ],
)
def test_it_tells_why_an_answer_is_not_given(memory, answer, refusal):
    assert Guard(Blocklist(("바보",)), memory).refusal("뭐 해?", answer) is refusal


def test_an_answer_that_is_wrong_for_one_question_may_be_given_to_others(memory):
    assert Guard(Blocklist(), memory).refusal("갈래?", "싫어요.") is None


def test_what_a_reviewer_wrote_for_this_question_may_echo_and_repeat_but_not_be_blocked():
    guard = Guard(Blocklist(("바보",)))
    assert guard.refusal("안녕", "안녕!", approved=True) is None
    assert guard.refusal("노래해 줘", "랄라 랄라 랄라", approved=True) is None
    assert guard.refusal("안녕", "바보", approved=True) is Refusal.BLOCKED


@pytest.mark.parametrize(
    "text", ["네가 네가 네가 좋아", "아아아아아아아아", "나는 참 좋아 너는 참 좋아 나는 참 좋아 또 나는 참 좋아"]
)
def test_going_round_in_a_circle_is_a_loop(text):
    assert is_loop(text)


@pytest.mark.parametrize(
    "text", ["하하하하하하", "네 네", "사랑해요. 사랑해요.", "ㅋㅋ 그래요", "천천히 하나하나 해 봐요."]
)
def test_laughing_and_saying_it_twice_is_none(text):
    assert not is_loop(text)
