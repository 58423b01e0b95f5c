"""Memory, engine and guard together: who answers, what is held back, and what a reply tells of itself."""

import pytest

from core.memory import SURE, Lesson, Match, Memory
from core.reply import Blocklist
from core.reply.answerer import Answerer, Question, Sentences
from core.reply.calibration import Calibration, Logistic
from core.reply.fallback import BLOCKED, UNHEARD, UNKNOWN

LESSONS = [
    Lesson(1, "무슨 색 좋아해?", "파란색이요."),
    Lesson(2, "무슨 노래 좋아해?", "느린 노래요."),
    Lesson(3, "오늘 저녁 뭐 먹지?", "김밥 어때요?"),
    # Enough rows for an answer to be doubted.
    *(Lesson(row, f"{row}번 문장", f"{row}번 답") for row in range(10, 110)),
]
CALIBRATION = Calibration(
    {
        "hybrid": Logistic({"nearest": 6.0, "share": 1.0}, -3.0),
        "neural": Logistic({"log_prob": 1.0}, 0.0),
        "memory": Logistic({"nearest": 8.0}, -4.0),
    },
    origin="by hand",
)


@pytest.fixture
def memory(tokenizer):
    memory = Memory(tokenizer)
    memory.put(LESSONS)
    return memory


@pytest.fixture
def ask(live, memory, tokenizer):
    """Ask one question; the fake engine and the rules may be given."""

    def ask(text, mode="hybrid", rules=None, avoid="", known=memory, calibration=CALIBRATION, **engine):
        ask.model = live(calibration=calibration, **engine)
        answerer = Answerer(ask.model, known, rules or Blocklist(), Sentences())
        [reply] = answerer.answer([Question(text, tokenizer.split(text), mode, avoid)])
        return reply

    return ask


def test_a_reviewed_question_is_answered_at_once_without_the_engine(ask):
    reply = ask("무슨색 좋아해ㅋㅋ")
    assert (reply.text, reply.source, reply.score) == ("파란색이요.", "memory", 1.0)
    assert ask.model._translator.batches == []


def test_the_newest_answer_of_a_reviewed_question_is_given(ask, memory):
    memory.put([Lesson(4, "무슨 색 좋아해?", "초록색이요.")])
    assert ask("무슨 색 좋아해?").text == "초록색이요."


def test_what_is_wrong_is_wrong_in_hardly_other_words_too_however_sure_the_engine_is(ask, memory):
    asked, old, new = "제주도에 사는 사람들이 가는 맛집 추천해 줄래?", "저는 몰라요.", "고기국수요."
    memory.put([Lesson(4, "맛집 추천해 줘", old)])
    alike = {"맛집": (1.0, 0.0)}
    assert ask(asked, read_as=alike).text == old
    memory.put([Lesson(5, "제주도에 사는 사람들이 가는 맛집 추천해 줘", new, wrong=(old,))])
    assert memory.find(asked)[0].row == 5
    reply = ask(asked, read_as=alike)
    assert reply.text == new
    assert old not in {candidate.text for candidate in reply.candidates}
    assert ask("맛집 추천해 줘").text == old, "a reviewer approved it for this one"
    apart = {"줄래": (0.0, 1.0), "제주도": (1.0, 0.0), "맛집": (0.0, 1.0)}
    assert old not in {one.text for one in ask(asked, read_as=apart).candidates}, "however the engine reads it"


@pytest.mark.parametrize(
    "form", ["색깔은 뭐가 좋아요?", "색깔은 뭐가 좋아ㅋㅋ", "색깔은뭐가 좋아", "색갈은 뭐가 좋아?"]
)
@pytest.mark.parametrize("mode", ["hybrid", "neural"])
def test_a_rejected_question_without_a_right_answer_is_refused_in_every_form(
    ask, memory, tokenizer, hypothesis, form, mode
):
    spelt = tuple(tokenizer.spell_known(tokenizer.split(form), frozenset()))
    says = {spelt: [hypothesis(("▁네",), 0.99), hypothesis(("▁빨간색이요",), 0.98)]}
    assert ask(form, mode, answers=says).text == "네"
    memory.put([Lesson(4, "색깔은 뭐가 좋아?", None, ("네",))])
    reply = ask(form, mode, answers=says)
    assert reply.text == "빨간색이요"
    assert "네" not in {one.text for one in reply.candidates}


def test_after_a_rejection_only_near_questions_have_a_vote(ask, memory, monkeypatch):
    """Five questions vote for one answer; the nearest question, which was enough before, has another."""
    asked, near, elected = "무슨 책 좋아해?", "파란색이요.", "느린 노래요."
    far = [Match(row, f"무슨 {row}집 좋아해?", elected, SURE - 0.01, shared=9) for row in range(20, 25)]
    found = [Match(1, "무슨 색 좋아해?", near, SURE), *far]
    monkeypatch.setattr(memory, "find", lambda *_: found)
    assert ask(asked, "memory").text == elected
    memory.put([Lesson(4, "무슨 책 좋아해ㅋㅋ", None, ("초록색이요.",))])
    assert ask(asked, "memory").text == near
    found[:1] = []
    reply = ask(asked, "memory")
    assert reply.source == "fallback"
    assert reply.candidates[0].text == elected, "a reviewer may still choose it"


def test_of_near_questions_the_engine_tells_which_is_meant(ask):
    text = "무슨 노래 무슨 색 좋아해?"
    for word, answer in (("노래", "느린 노래요."), ("색", "파란색이요.")):
        others = {other: (0.0, 1.0) for other in ("노래", "색") if other != word}
        reply = ask(text, read_as={"노래 무슨": (1.0, 0.0), word: (1.0, 0.0), **others})
        assert (reply.text, reply.source) == (answer, "memory")


def test_far_from_all_that_was_reviewed_the_engine_answers_only_where_it_is_sure(ask, tokenizer, hypothesis):
    asked = "전혀 다른 말"
    spelt = tuple(tokenizer.spell_known(tokenizer.split(asked), frozenset()))
    sure, unsure = (ask(asked, answers={spelt: [hypothesis(("▁응",), score)]}) for score in (0.98, 0.5))
    assert (sure.text, sure.source) == ("응", "neural")
    assert sure.score == pytest.approx(0.98 / 1.98)
    assert unsure.source == "fallback"
    assert [one.text for one in unsure.candidates] == ["응"]


def test_near_enough_to_what_was_reviewed_the_engine_is_not_asked_for_an_answer(ask):
    assert ask("무슨 색 좋아하니?").source == "memory"
    assert ask.model._translator.batches == []


def test_what_is_not_likely_enough_is_not_said_but_told_to_reviewers(ask):
    reply = ask("오늘 날씨")
    assert reply.source == "fallback"
    assert reply.text in UNKNOWN
    assert reply.score == 0.0
    assert {one.source for one in reply.candidates} == {"memory", "neural"}
    scores = [one.score for one in reply.candidates]
    assert scores == sorted(scores, reverse=True)


def test_a_fallback_offers_the_nearest_questions_that_can_be_answered(ask):
    reply = ask("오늘 무슨 날", rules=Blocklist(("노래",)))
    assert reply.source == "fallback"
    assert set(reply.offers) == {"오늘 저녁 뭐 먹지?", "무슨 색 좋아해?"}


def test_an_answer_offers_nothing_and_tells_what_it_rests_on(ask):
    reply = ask("무슨 색 좋아해?")
    assert reply.offers == ()
    assert (reply.nearest[0].row, reply.nearest[0].similarity) == (1, 1.0)
    assert reply.candidates[0].text == reply.text


def test_a_memory_of_few_rows_makes_nobody_doubt_the_engine(ask, tokenizer):
    few = Memory(tokenizer)
    few.put(LESSONS[:1])
    assert ask("전혀 다른 말", known=few).source == "neural"
    assert ask("무슨 색 좋아해", known=few).source == "memory"


def test_without_a_memory_the_engine_answers_alone(ask):
    reply = ask("무슨 색 좋아해?", known=None, calibration=None)
    assert (reply.text, reply.source, reply.score, reply.nearest) == ("네 무슨 색 좋아해?", "neural", 0.9, ())


def test_the_engine_alone_is_scored_as_calibrated_and_always_answers(ask):
    reply = ask("무슨 색 좋아해?", mode="neural")
    assert (reply.text, reply.source) == ("네 무슨 색 좋아해?", "neural")
    assert reply.score == pytest.approx(0.9 / 1.9)
    assert reply.nearest[0].row == 1


def test_memory_alone_asks_no_engine(ask):
    near, far = ask("무슨 색 좋아하니?", mode="memory"), ask("다른 말", mode="memory")
    assert (near.text, near.source) == ("파란색이요.", "memory")
    assert 0.3 < near.score < 1.0
    assert far.source == "fallback"
    assert ask.model._translator.batches == []


def test_a_wrong_answer_is_given_by_nobody(ask, memory, tokenizer, hypothesis):
    text = "무슨 색 좋아해?"
    memory.put([Lesson(1, text, None, ("파란색이요.", "네"))])
    asked = {tuple(text): [hypothesis(("▁네",)), hypothesis(("▁빨간색이요",), 0.4)]}
    spelt = tuple(tokenizer.spell_known(tokenizer.split(text), frozenset()))
    reply = ask(text, mode="neural", answers={spelt: next(iter(asked.values()))})
    assert reply.text == "빨간색이요"
    assert "파란색이요." not in {one.text for one in ask(text).candidates}


def test_a_blocked_question_reaches_neither_memory_nor_engine(ask):
    reply = ask("무슨 색 좋아해 바.보", rules=Blocklist(("바보",)))
    assert reply.text in BLOCKED
    assert (reply.source, reply.nearest, reply.offers, reply.blocked) == ("fallback", (), (), True)
    assert ask.model._translator.batches == []


def test_a_blocked_answer_is_replaced_by_the_next(ask):
    assert ask("무슨 색 좋아해?", rules=Blocklist(("파란",))).text != "파란색이요."


def test_what_is_said_instead_of_an_answer_is_not_blocked_either(ask):
    rules = Blocklist((), ("배우|배웠|배운|배워|처음",))
    (allowed,) = [sentence for sentence in UNKNOWN if not rules.blocks(sentence)]
    assert {ask("오늘 날씨", rules=rules).text for _ in range(5)} == {allowed}
    assert ask("오늘 날씨", rules=Blocklist((), ("요",))).text in UNKNOWN  # silence would be no answer


def test_silence_is_heard(ask):
    assert ask("  ").text in UNHEARD


@pytest.mark.parametrize(("text", "rules"), [("오늘 날씨", ()), ("나쁜 말", ("나쁜",)), ("", ())])
def test_the_same_fallback_is_never_said_twice_in_a_row(live, memory, tokenizer, text, rules):
    answerer = Answerer(live(calibration=CALIBRATION), memory, Blocklist(rules), Sentences())
    last = ""
    for _ in range(20):
        [_other, reply] = answerer.answer([Question(text, tokenizer.split(text), avoid=who) for who in ("", last)])
        assert reply.source == "fallback"
        assert reply.text != last
        last = reply.text


def test_questions_of_all_modes_share_a_batch_and_keep_their_places(live, memory, tokenizer):
    texts = ["무슨 색 좋아해?", "가", "", "나", "무슨 노래 좋아해?"]
    modes = ["neural", "memory", "hybrid", "neural", "hybrid"]
    questions = [Question(text, tokenizer.split(text), mode) for text, mode in zip(texts, modes, strict=True)]
    replies = Answerer(live(), memory, Blocklist(), Sentences()).answer(questions)
    assert [reply.source for reply in replies] == ["neural", "fallback", "fallback", "neural", "memory"]
