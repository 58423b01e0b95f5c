"""Near questions, ordered by words and by what the engine reads them as, on vectors that are given."""

import numpy as np
import pytest

from core.memory import NOT_THE_SAME, Match
from core.reply.meanings import SHARE, Meanings

READ_AS = {"가": (3.0, 0.0), "나": (1.0, 1.0), "다": (-1.0, 0.0), "라": (0.0, 0.0)}


class Engine:
    def __init__(self, read_as):
        self.read_as, self.asked = read_as, []

    def __call__(self, sources):
        self.asked.append(sources)
        return np.array([self.read_as["".join(source).removeprefix("▁")] for source in sources], np.float32)


@pytest.fixture
def meanings(tokenizer):
    def make(read_as=READ_AS):
        engine = Engine(read_as)
        return Meanings(engine, tokenizer), engine

    return make


def matches(*similarities):
    return [Match(row, question, "답", one) for row, (question, one) in enumerate(similarities, start=1)]


def test_the_similarities_are_mixed_and_the_best_comes_first(meanings):
    [found] = meanings()[0].nearer([["▁가"]], [matches(("다", 0.6), ("나", 0.5), ("라", 0.55))])
    assert found[0].question == "나"
    assert [one.similarity for one in sorted(found, key=lambda one: one.row)] == pytest.approx(
        [0.6 * (1 - SHARE), 0.5 * (1 - SHARE) + SHARE / 2**0.5, 0.55 * (1 - SHARE)]
    )


def test_the_question_itself_stays_the_same_and_no_other_becomes_it(meanings):
    [found] = meanings()[0].nearer([["▁가"]], [matches(("다", 1.0), ("가", NOT_THE_SAME))])
    assert [(one.question, one.similarity) for one in found] == [("다", 1.0), ("가", NOT_THE_SAME)]


def test_each_reviewed_question_is_read_once_and_all_new_ones_together(meanings):
    reader, engine = meanings()
    near = matches(("가", 0.5), ("나", 0.4))
    reader.nearer([["▁나"], ["▁다"], ["▁라"]], [near, [], near[1:]])
    assert engine.asked == [[["▁가"], ["▁나"]], [["▁나"], ["▁라"]]]
    reader.nearer([["▁가"]], [matches(("나", 0.5), ("다", 0.4))])
    assert engine.asked[2:] == [[["▁다"]], [["▁가"]]]


def test_nothing_near_asks_nobody(meanings):
    reader, engine = meanings()
    assert reader.nearer([["▁가"]], [[]]) == [[]]
    assert engine.asked == []


def test_an_engine_that_reads_nothing_changes_nothing(meanings):
    near = matches(("가", 0.5), ("나", 0.4))
    assert meanings(dict.fromkeys(READ_AS, ()))[0].nearer([["▁가"]], [near]) == [near]
