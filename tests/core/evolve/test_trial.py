"""A version's trial: what it is asked, and what counts as having answered."""

import pytest

from core.corpus import Example, Pair
from core.evolve import EvolveError
from core.evolve.trial import Trial, choose, hold


def examples(*pairs):
    return [Example([f"▁{question}"], [f"▁{answer}"], Pair(question, answer)) for question, answer in pairs]


def test_only_what_is_answered_right_is_asked():
    train = examples(("가", "하나"), ("나", "둘"), ("나", "셋"), ("다", "넷"))
    assert choose(train, ["하나", "셋", "셋", "몰라"]) == {"가": "하나", "나": "셋"}


@pytest.mark.parametrize(("known", "asked"), [(3, 3), (20, 20), (21, 11), (1000, 20)])
def test_questions_come_from_all_over_the_corpus(known, asked):
    chosen = choose(examples(*((f"질문{n}", "네") for n in range(known))), ["네"] * known)
    assert len(chosen) == asked
    places = [int(question.removeprefix("질문")) for question in chosen]
    assert max(b - a for a, b in zip(places, [*places[1:], known], strict=True)) == -(-known // 20)


def test_answers_are_compared_word_for_word():
    trial = hold({"가": "하나", "나": "둘"}, lambda questions: ["하나", "둘이요"])
    assert trial == Trial(asked=2, agreed=1)


def test_a_process_that_fails_is_a_trial_that_failed():
    def fail(questions):
        raise EvolveError("the engine failed: no weights")

    assert hold({"가": "하나"}, fail) == Trial(failure="the engine failed: no weights")


def test_nothing_answered_right_starts_nothing():
    assert hold({}, pytest.fail) == Trial()


def test_too_few_answers_are_a_trial_that_failed():
    assert hold({"가": "하나", "나": "둘"}, lambda _: ["하나"]).failure == "1 answers to 2 questions"
