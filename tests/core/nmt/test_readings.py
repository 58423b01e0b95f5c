"""Sources read with each token left out: a mean that is spelt out, over a search that is a table of answers."""

import math
from functools import partial

import numpy as np
import pytest

from core.nmt.ranking import Ranked, Ranking
from core.nmt.readings import Readings, reread

WEIGHT = 0.6
RANKING = Ranking(WEIGHT, longest=9)
LONG, SHORT, OTHER = (5, 6, 7, 8), (3,), (4, 4)


def ranked(ids, probability, alignments=None):
    """A hypothesis of this probability, which ended."""
    log_prob, tokens = math.log(probability), len(ids) + 1
    return Ranked(list(ids), log_prob, tokens, RANKING.score(log_prob, tokens), alignments)


def read(sources, whole, parts=None, count=9, share=0.75):
    """What is found for `sources` by all readings, and what the search was asked for them.

    `whole` are the hypotheses of each source, `parts` those of what may be left of them: one, or a list.
    """
    asked = []

    def search(rows):
        asked.extend(tuple(row.tolist()) for row in rows)
        some = [(parts or {}).get(tuple(row.tolist()), []) for row in rows]
        return [found if isinstance(found, list) else [found] for found in some]

    rows = [np.array(source, np.int32) for source in sources]
    return reread(rows, whole, count, Readings(share, RANKING), [search]), asked


def sentences(found):
    return [tuple(one.ids) for one in found]


def test_sentences_are_ranked_by_the_mean_of_all_readings():
    whole = [ranked(SHORT, 0.3), ranked(LONG, 0.1)]
    parts = {(2, 3): ranked(LONG, 0.4), (1, 3): ranked(OTHER, 0.2), (1, 2): ranked(LONG, 0.3)}
    [found], asked = read([(1, 2, 3)], [whole], parts)
    assert asked == [(2, 3), (1, 3), (1, 2)]
    assert sentences(found) == [LONG, SHORT, OTHER]  # the whole source alone would say SHORT

    def mean(ids, whole, *rest):
        """A quarter for the whole source, three for the rest; scores are over ((5 + tokens) / 6) ** 0.6."""
        scores = [p ** (6**WEIGHT / (5 + len(ids) + 1) ** WEIGHT) for p in (whole, *rest)]
        return math.log(scores[0] / 4 + 3 / 4 * sum(scores[1:]) / 3)

    expected = [mean(LONG, 0.1, 0.4, 0, 0.3), mean(SHORT, 0.3, 0, 0, 0), mean(OTHER, 0, 0, 0.2, 0)]
    assert [one.score for one in found] == pytest.approx(expected)
    # Who looks at the probabilities sees the same order.
    assert [RANKING.score(one.log_prob, one.scored_tokens) for one in found] == pytest.approx(expected)
    assert [one.scored_tokens for one in found] == [5, 2, 3]


def test_the_whole_source_may_count_nothing():
    whole = [ranked(SHORT, 0.3), ranked(LONG, 0.1)]
    [found], _ = read([(1, 2)], [whole], {(1,): ranked(LONG, 0.2), (2,): ranked(LONG, 0.2)}, share=1.0)
    assert sentences(found) == [LONG, SHORT]
    assert [one.log_prob for one in found] == pytest.approx([math.log(0.2), -math.inf])


def test_readings_that_agree_change_no_score():
    [found], _ = read([(1, 2)], [[ranked(LONG, 0.3)]], {(1,): ranked(LONG, 0.3), (2,): ranked(LONG, 0.3)})
    assert found[0].score == pytest.approx(ranked(LONG, 0.3).score)
    assert found[0].log_prob == pytest.approx(math.log(0.3))


def test_a_reading_counts_with_all_that_it_found():
    parts = {(1,): [ranked(SHORT, 0.3), ranked(LONG, 0.29)], (2,): [ranked(OTHER, 0.3), ranked(LONG, 0.29)]}
    [found], _ = read([(1, 2)], [[ranked(SHORT, 0.2)]], parts)
    assert sentences(found) == [LONG, SHORT, OTHER]


def test_of_a_reading_that_is_sure_only_the_first_counts():
    parts = {(1,): [ranked(SHORT, 0.9), ranked(LONG, 0.05)], (2,): ranked(OTHER, 0.3)}
    [found], _ = read([(1, 2)], [[ranked(OTHER, 0.2)]], parts)
    assert sentences(found) == [SHORT, OTHER]


def test_where_the_best_is_likely_or_nothing_can_be_left_out_nothing_more_is_asked():
    likely = [ranked(SHORT, 0.5), ranked(LONG, 0.4)]
    doubted = [ranked(SHORT, 0.2), ranked(LONG, 0.1)]
    sources, whole = [(1, 2), (1,), (1, 2), (1, 2) * 11], [likely, doubted, [], doubted]
    assert read(sources, whole) == (whole, [])
    assert read(sources, whole, count=1) == ([likely[:1], doubted[:1], [], doubted[:1]], [])
    assert len(read([(1, 2) * 10], [doubted])[1]) == 20


def test_how_likely_the_best_is_counts_by_its_length():
    """(5 + 5 tokens) / 6 is the base of the penalty: of 0.4 there is more than a half left, of 0.3 less."""
    assert 0.3 ** (0.6**WEIGHT) < 0.5 < 0.4 ** (0.6**WEIGHT)
    assert [len(read([(1, 2)], [[ranked(LONG, probability)]])[1]) for probability in (0.4, 0.3)] == [0, 2]
    assert read([(1, 2)], [[ranked(LONG, 0.3)]], share=0.0)[1] == []


def test_what_no_other_can_be_ranked_above_is_in_no_doubt_however_low_its_score():
    """A penalty below nothing prefers short ones, and gives long ones a score that is lower than their probability."""
    readings = Readings(0.75, Ranking(-1, longest=9))
    log_prob = math.log(0.7)
    best = Ranked([5] * 8, log_prob, 9, readings.ranking.score(log_prob, 9))
    assert math.exp(best.score) < 0.5
    assert not readings.doubt(np.array([1, 2]), best)
    assert readings.doubt(np.array([1, 2]), best._replace(log_prob=math.log(0.3)))


def test_a_source_that_is_left_over_twice_is_asked_for_once_and_counts_twice():
    """Of 1 1 2 the same is left whichever 1 goes, and of another source too."""
    parts = {(1, 2): ranked(LONG, 0.3), (1, 1): ranked(OTHER, 0.5), (1, 5): ranked(SHORT, 0.4), (2, 5): []}
    sources, whole = [(1, 1, 2), (1, 2, 5)], [[ranked(SHORT, 0.2)]] * 2
    found, asked = read(sources, whole, parts)
    assert asked == [(1, 2), (1, 1), (2, 5), (1, 5)]
    assert sentences(found[0]) == [LONG, OTHER, SHORT]
    assert sentences(found[1]) == [SHORT, LONG]
    assert found[0][0].score == pytest.approx(math.log(0.75 * 2 / 3) + parts[1, 2].score)


def test_several_sources_get_each_their_own():
    parts = {(1,): ranked(LONG, 0.5), (2,): [], (4,): ranked(OTHER, 0.4), (5,): ranked(LONG, 0.1)}
    sources = [(1, 2), (3,), (4, 5)]
    whole = [[ranked(SHORT, 0.3)], [ranked(SHORT, 0.2)], [ranked(OTHER, 0.3)]]
    found, _ = read(sources, whole, parts, count=1)
    assert found == [read([source], [some], parts, count=1)[0][0] for source, some in zip(sources, whole, strict=True)]
    assert [sentences(some) for some in found] == [[LONG], [SHORT], [OTHER]]


def test_alignments_are_those_to_the_whole_source():
    looks = np.array([[0.75, 0.25]], np.float32)
    [found], _ = read([(1, 2, 3)], [[ranked(OTHER, 0.01)]], {(1, 3): ranked(SHORT, 0.5, looks)})
    assert found[0].alignments.tolist() == [[0.75, 0.0, 0.25]]


def ask_members(whole, *members, share=0.75, source=(1, 2)):
    """What is found for `source`, of which the first of the members says `whole`, and what each of them was asked.

    A member is a table: what it says to the source, and to what may be left of it.
    """
    asked = [[] for _ in members]

    def search(number, rows):
        asked[number] += [tuple(row.tolist()) for row in rows]
        return [members[number].get(tuple(row.tolist()), []) for row in rows]

    searches = [partial(search, number) for number in range(len(members))]
    readings = Readings(share, RANKING, len(members))
    [found] = reread([np.array(source, np.int32)], [whole], 9, readings, searches)
    return found, asked


def test_members_count_the_same_in_every_reading():
    first = {(2,): [ranked(SHORT, 0.2)], (1,): [ranked(OTHER, 0.2)]}
    second = {(1, 2): [ranked(LONG, 0.4)], (2,): [ranked(LONG, 0.2)], (1,): [ranked(OTHER, 0.1)]}
    found, asked = ask_members([ranked(SHORT, 0.4)], first, second)
    assert asked == [[(2,), (1,)], [(1, 2), (2,), (1,)]]  # the first has read the whole source

    def of(ids, probability):
        return math.exp(ranked(ids, probability).score)

    expected = {
        SHORT: of(SHORT, 0.4) / 8 + 3 / 16 * of(SHORT, 0.2),
        LONG: of(LONG, 0.4) / 8 + 3 / 16 * of(LONG, 0.2),
        OTHER: 3 / 16 * (of(OTHER, 0.2) + of(OTHER, 0.1)),
    }
    assert {tuple(one.ids): math.exp(one.score) for one in found} == pytest.approx(expected)
    assert found[0].score == max(one.score for one in found)


@pytest.mark.parametrize(("share", "source"), [(0.0, (1, 2)), (0.75, (1,)), (0.75, (1, 2) * 11)])
def test_members_read_the_whole_source_where_nothing_can_be_left_out(share, source):
    found, asked = ask_members([ranked(SHORT, 0.4)], {}, {source: [ranked(LONG, 0.8)]}, share=share, source=source)
    assert asked == [[], [source]]
    assert sentences(found) == [LONG, SHORT]
    assert math.exp(found[1].score) == pytest.approx(math.exp(ranked(SHORT, 0.4).score) / 2)


@pytest.mark.parametrize("tokens", [1, 2, 21])
def test_members_are_asked_of_sources_of_any_length_that_the_first_is_in_doubt_about(tokens):
    """One model leaves a token out only where there are some, and not too many."""
    unlikely, likely = ranked(SHORT, 0.3), ranked(SHORT, 0.6)
    readings, source = Readings(0.75, RANKING, 2), np.arange(tokens)
    assert readings.doubt(source, unlikely)
    assert not readings.doubt(source, likely)
    assert readings._replace(members=1).doubt(source, unlikely) == (tokens == 2)


@pytest.mark.parametrize("members", [1, 2])
def test_nobody_is_asked_about_what_the_first_is_sure_of(members):
    """With 0.8 of the probability no other sentence can be ranked above it by the same model."""
    readings, source = Readings(0.75, RANKING, members), np.array([1, 2])
    for rather in (ranked(SHORT, probability) for probability in (0.8, 0.95)):
        assert readings.ranking.sure(rather.log_prob, rather.scored_tokens)
        assert not readings.doubt(source, rather)
