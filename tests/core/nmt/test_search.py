"""Searches of one hypothesis a row, on step functions made up for the purpose."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests.core.nmt.step_functions import EOS, SOS, beams, bounds, chain, depth_chain, greedy, speller, words_of


def test_greedy_search_spells_a_word_in_each_row():
    words = [(3, 4, 5), (EOS,) * 3, (6, 6, 6), (7, 3, 9)]
    decoded = greedy(*speller(words), rows=4, longest=10)
    assert words_of(decoded) == [[(3, 4, 5)], [()], [(6, 6, 6)], [(7, 3, 9)]]
    assert decoded.lengths.numpy().tolist() == [[3], [0], [3], [3]]


def test_greedy_search_scores_the_end_and_nothing_after_it():
    decoded = greedy(*speller([(3, EOS, EOS), (4, 5, 6)]), rows=2)
    right = math.log(0.9 + 0.1 / 9)
    assert decoded.log_probs.numpy()[:, 0] == pytest.approx([2 * right, 4 * right], rel=1e-5)
    assert (decoded.scores.numpy() == decoded.log_probs.numpy()).all()


def test_of_equally_likely_tokens_greedy_search_takes_the_first():
    table = np.full((5, 5), 0.1, np.float32)
    table[SOS] = [0.1, 0.1, 0.1, 0.35, 0.35]
    assert words_of(greedy(chain(table), (), longest=1)) == [[(3,)]]


def test_each_row_is_cut_off_at_its_own_longest_length():
    decoded = greedy(*speller([(3, 4, 5, 6)] * 3), rows=3, longest=[2, 0, 5])
    assert words_of(decoded) == [[(3, 4)], [()], [(3, 4, 5, 6)]]
    right = math.log(0.9 + 0.1 / 9)
    assert decoded.log_probs.numpy()[:, 0] == pytest.approx([2 * right, 0, 5 * right], rel=1e-5)


def test_searches_stop_when_every_row_has_ended():
    step, state = speller([(3, 4)])
    assert greedy(step, state, longest=100).ids.shape[2] == 3
    assert beams(step, state, longest=100, width=1).ids.shape[2] == 3


def test_the_state_of_a_search_may_be_nothing():
    table = np.full((4, 4), 0.1, np.float32)
    table[SOS, 3] = table[3, EOS] = 0.7
    assert words_of(greedy(chain(table), (), longest=5)) == [[(3,)]]
    assert words_of(beams(chain(table), (), width=2))[0][0] == (3,)


def test_greedy_search_tells_what_each_token_looked_at():
    step, state = speller([(3, 4), (5, EOS)])

    def looking(ids, state):
        log_probs, (row, place) = step(ids, state[0])
        seen = tf.one_hot(place - 1, 4) * tf.cast(row + 1, tf.float32)[:, tf.newaxis]
        return log_probs, ((row, place), seen)

    decoded = greedy(looking, (state, tf.zeros((2, 4))), rows=2, alignments=lambda state: state[1])
    assert decoded.alignments.shape == (2, 1, 3, 4)
    assert decoded.alignments.numpy()[0, 0].tolist() == np.eye(4)[:3].tolist()
    assert decoded.alignments.numpy()[1, 0, :2].tolist() == (2 * np.eye(4)[:2]).tolist()
    assert greedy(step, state, rows=2).alignments is None


def test_searches_run_inside_a_graph_on_rows_whose_number_is_not_known():
    _, step = depth_chain(2)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.int32)] * 2, autograph=False)
    def search(starts, longest):
        more = {"longest": longest, "alignments": lambda state: tf.cast(state, tf.float32)[:, tf.newaxis]}
        return beams(step, starts, width=2, weight=0.5, coverage=0.1, **more), greedy(step, starts, **more)

    for starts in (tf.constant([0, 7]), tf.constant([3])):
        beam, likeliest = search(starts, bounds(6, len(starts)))
        alone = beams(
            step, starts, rows=len(starts), width=2, weight=0.5, coverage=0.1,
            alignments=lambda state: tf.cast(state, tf.float32)[:, tf.newaxis],
        )  # fmt: skip
        assert words_of(beam) == words_of(alone)
        assert (beam.alignments.numpy() == alone.alignments.numpy()).all()
        assert words_of(likeliest) == words_of(greedy(step, starts, rows=len(starts)))
