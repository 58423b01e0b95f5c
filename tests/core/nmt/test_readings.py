"""Sources read with each token left out: a mean that is spelt out, over a search that is a table of answers."""

import math

import numpy as np
import pytest

from core.nmt.ranking import Ranked, Ranking
from core.nmt.readings import Readings, reread

WEIGHT = 0.6
RANKING = Ranking(WEIGHT, longest=9)
READINGS = Readings(0.75, RANKING)
LONG, SHORT, OTHER = (5, 6, 7, 8), (3,), (4, 4)


def ranked(ids, probability, alignments=None):
    """A hypothesis of this probability, which ended."""
    log_prob, tokens = math.log(probability), len(ids) + 1
    return Ranked(list(ids), log_prob, tokens, RANKING.score(log_prob, tokens), alignments)


class Table:
    """A search whose answers are written down, source → hypotheses; it remembers what it was asked."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def __call__(self, sources):
        self.asked += [tuple(source.tolist()) for source in sources]
        return [self.answers.get(tuple(source.tolist()), []) for source in sources]


def read(source, answers, count=9):
    """What is found for one source by all readings, and what the search was asked for them."""
    search, source = Table(answers), np.array(source, np.int32)
    [found] = reread([source], [answers[tuple(source.tolist())]], count, READINGS, search)
    return found, search.asked


def test_sentences_are_ranked_by_the_mean_of_all_readings():
    answers = {
        (1, 2, 3): [ranked(SHORT, 0.3), ranked(LONG, 0.1)],
        (2, 3): [ranked(LONG, 0.4), ranked(OTHER, 0.2)],
        (1, 3): [ranked(SHORT, 0.2), ranked(LONG, 0.15)],
        (1, 2): [ranked(LONG, 0.3)],
    }
    found, asked = read((1, 2, 3), answers)
    assert asked == [(2, 3), (1, 3), (1, 2)]
    assert [tuple(one.ids) for one in found] == [LONG, SHORT, OTHER]  # alone the whole source would say SHORT

    def mean(ids, whole, *rest):
        """A quarter for the whole source, three for the rest; ((5 + tokens) / 6) ** 0.6 is what scores are over."""
        scores = [p ** (6**WEIGHT / (5 + len(ids) + 1) ** WEIGHT) for p in (whole, *rest)]
        return math.log(scores[0] / 4 + 3 / 4 * sum(scores[1:]) / 3)

    expected = [mean(LONG, 0.1, 0.4, 0.15, 0.3), mean(SHORT, 0.3, 0, 0.2, 0), mean(OTHER, 0, 0.2, 0, 0)]
    assert [one.score for one in found] == pytest.approx(expected)
    # Who looks at the probabilities sees the same order.
    assert [RANKING.score(one.log_prob, one.scored_tokens) for one in found] == pytest.approx(expected)
    assert [one.scored_tokens for one in found] == [5, 2, 3]


def test_the_whole_source_may_count_nothing():
    answers = {(1, 2): [ranked(SHORT, 0.3), ranked(LONG, 0.1)], (1,): [ranked(LONG, 0.2)], (2,): [ranked(LONG, 0.2)]}
    source = np.array((1, 2), np.int32)
    [found] = reread([source], [answers[1, 2]], 9, Readings(1.0, RANKING), Table(answers))
    assert [tuple(one.ids) for one in found] == [LONG, SHORT]
    assert [one.log_prob for one in found] == pytest.approx([math.log(0.2), -math.inf])


def test_readings_that_agree_change_no_score():
    same = [ranked(LONG, 0.3), ranked(SHORT, 0.2)]
    found, _ = read((1, 2), {(1, 2): same, (1,): same, (2,): same})
    assert [tuple(one.ids) for one in found] == [tuple(one.ids) for one in same]
    assert [one.score for one in found] == pytest.approx([one.score for one in same])
    assert [one.log_prob for one in found] == pytest.approx([one.log_prob for one in same])


def test_where_nothing_can_win_or_be_left_out_nothing_more_is_asked():
    sure = [ranked(SHORT, 0.97), ranked(LONG, 0.01)]
    assert read((1, 2), {(1, 2): sure}) == (sure, [])
    unsure = [ranked(SHORT, 0.2), ranked(LONG, 0.1)]
    assert read((1,), {(1,): unsure}) == (unsure, [])
    assert read((1,), {(1,): unsure}, count=1) == (unsure[:1], [])
    assert read((1, 2), {(1, 2): []}) == ([], [])
    assert len(read((1,) * 20, {(1,) * 20: unsure})[1]) == 20
    assert read((1,) * 21, {(1,) * 21: unsure}) == (unsure, [])


def test_of_a_reading_that_is_sure_the_rest_counts_nothing():
    """A quick search stops at a sure sentence, and another one does not: both must say the same."""
    whole = [ranked(LONG, 0.2), ranked(OTHER, 0.1)]
    every = {(1, 2): whole, (1,): [ranked(SHORT, 0.98), ranked(OTHER, 0.01)], (2,): whole}
    stopped = {**every, (1,): every[(1,)][:1]}
    assert read((1, 2), every) == read((1, 2), stopped)
    assert tuple(read((1, 2), every)[0][0].ids) == SHORT


def test_several_sources_get_each_their_own():
    answers = {
        (1, 2): [ranked(SHORT, 0.3)],
        (1,): [ranked(LONG, 0.5)],
        (2,): [],
        (3,): [ranked(SHORT, 0.2)],
        (4, 5): [ranked(OTHER, 0.3)],
        (4,): [ranked(OTHER, 0.4)],
        (5,): [ranked(LONG, 0.1)],
    }
    sources = [np.array(source, np.int32) for source in ((1, 2), (3,), (4, 5))]
    found = reread(sources, [answers[tuple(source.tolist())] for source in sources], 1, READINGS, Table(answers))
    alone = [read(tuple(source.tolist()), answers, count=1)[0] for source in sources]
    assert found == alone
    assert [[tuple(one.ids) for one in some] for some in found] == [[LONG], [SHORT], [OTHER]]


def test_alignments_are_those_to_the_whole_source():
    looks = np.array([[0.75, 0.25]], np.float32)
    answers = {(1, 2, 3): [ranked(OTHER, 0.01)], (1, 3): [ranked(SHORT, 0.5, looks)]}
    found, _ = read((1, 2, 3), answers)
    assert found[0].alignments.tolist() == [[0.75, 0.0, 0.25]]
