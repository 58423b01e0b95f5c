"""Beam search: against exhaustive search, against a plain retelling of TensorFlow 1's, and its penalties by hand."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.beams import Beams, BeamSettings, coverage_penalty, freeze_finished, grow_beams, length_penalty
from tests.core.nmt.step_functions import (
    EOS,
    SOS,
    beams,
    chain,
    depth_chain,
    every_hypothesis,
    greedy,
    random_chain,
    speller,
    words_of,
)


@pytest.mark.parametrize("seed", range(2))
def test_one_beam_is_greedy_search(seed):
    _, step = depth_chain(seed)
    state = tf.constant([0, 7, 31])
    likeliest = greedy(step, state, rows=3, longest=[6, 3, 1])
    beam = beams(step, state, rows=3, longest=[6, 3, 1], width=1)
    assert words_of(beam) == words_of(likeliest)
    assert beam.log_probs.numpy() == pytest.approx(likeliest.log_probs.numpy(), rel=1e-5)


@pytest.mark.parametrize("weight", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(2))
def test_a_beam_wide_enough_finds_what_an_exhaustive_search_finds(seed, weight):
    table, step = depth_chain(seed)
    decoded = beams(step, tf.zeros(1, tf.int32), longest=3, width=85, weight=weight)
    found = every_hypothesis(table, longest=3)

    def score(word):
        # One that ended before the last step was scored again with its end counted; one that ends there, without it.
        length = len(word) + 1 if len(word) < 2 else len(word)
        return sum(found[word]) / ((5 + length) / 6) ** weight

    ranked = sorted(found, key=score, reverse=True)
    assert len(ranked) == 85
    assert words_of(decoded)[0] == ranked
    assert decoded.log_probs.numpy()[0] == pytest.approx([sum(found[word]) for word in ranked], rel=1e-4)
    assert decoded.scores.numpy()[0] == pytest.approx([score(word) for word in ranked], rel=1e-4)


def test_a_wider_beam_finds_a_likelier_word_than_greedy_search():
    table = np.full((6, 6), 0.001, np.float32)
    table[SOS, [3, 4]] = 0.5, 0.4
    table[3, [3, 4, 5, EOS]] = 0.3, 0.25, 0.25, 0.2
    table[4, EOS] = 0.99
    assert words_of(greedy(chain(table), (), longest=2)) == [[(3, 3)]]
    assert words_of(beams(chain(table), (), longest=2, width=2))[0][0] == (4,)


@pytest.mark.parametrize("weight", [0.0, 0.8])
def test_rows_are_searched_apart(weight):
    _, step = depth_chain(5)
    starts, longest = tf.constant([0, 7, 31]), [5, 2, 4]
    together = beams(step, starts, rows=3, longest=longest, weight=weight)
    for b in range(3):
        alone = beams(step, starts[b : b + 1], longest=longest[b], weight=weight)
        assert words_of(alone)[0] == words_of(together)[b]
        assert alone.log_probs[0].numpy() == pytest.approx(together.log_probs[b].numpy(), rel=1e-5)
        assert alone.scores[0].numpy() == pytest.approx(together.scores[b].numpy(), rel=1e-5)


def test_hypotheses_of_a_beam_differ_and_the_best_comes_first():
    _, step = random_chain(3, vocab_size=8)
    decoded = beams(step, (), width=5)
    [found] = words_of(decoded)
    assert len(set(found)) == 5
    log_probs = decoded.log_probs.numpy()[0]
    assert list(log_probs) == sorted(log_probs, reverse=True)


def test_of_equal_scores_the_lower_beam_and_then_the_lower_token_comes_first():
    table = np.full((6, 6), 1 / 6, np.float32)
    decoded = beams(chain(table), (), longest=2, width=4)
    assert words_of(decoded)[0] == [(), (0, 0), (0, 1), (0,)]


def test_a_vocabulary_smaller_than_the_beam_is_no_trouble():
    table, step = random_chain(1, vocab_size=3)
    decoded = beams(step, (), longest=2, width=4)
    assert words_of(decoded)[0][0] == max(
        ((), (0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1)),
        key=lambda word: math.prod(
            table[a, b] for a, b in itertools.pairwise([SOS, *word, *([EOS] if len(word) < 2 else [])])
        ),
    )


def beams_of(path, log_probs, finished, lengths, coverage=()):
    return Beams(
        log_probs=tf.constant([log_probs]),
        scores=tf.constant([log_probs]),
        finished=tf.constant([finished]),
        lengths=tf.constant([lengths]),
        path=tf.constant([path]),
        coverage=coverage,
        state=(tf.constant([[10.0], [20.0]]),),
    )


def tokens_of(beams):
    return (beams.path.numpy()[0] // 2).tolist()


def path_of(words):
    return [[2 * token for token in word] for word in words]


def test_a_finished_beam_keeps_its_score():
    before = beams_of(path_of([[EOS], [3]]), [-1.0, -2.0], [True, False], [1, 1])
    log_probs = tf.math.log(tf.constant([[0.1, 0.2, 0.1, 0.6], [0.1, 0.1, 0.3, 0.5]]))
    after, ids = grow_beams(before, log_probs, BeamSettings(2), EOS)
    assert tokens_of(after) == [[EOS, EOS], [3, 3]]
    assert ids.numpy().tolist() == [EOS, 3]
    assert after.log_probs.numpy()[0] == pytest.approx([-1.0, -2 + math.log(0.5)])
    assert after.finished.numpy()[0].tolist() == [True, False]
    assert after.lengths.numpy()[0].tolist() == [1, 2]
    assert after.state[0].numpy().tolist() == [[10], [20]]


def test_the_state_follows_the_beam_it_belongs_to():
    before = beams_of(path_of([[3], [0]]), [-5.0, -1.0], [False, False], [1, 1])
    log_probs = tf.math.log(tf.constant([[0.25, 0.25, 0.25, 0.25], [0.1, 0.1, 0.2, 0.6]]))
    after, _ = grow_beams(before, log_probs, BeamSettings(2), EOS)
    assert tokens_of(after) == [[0, 3], [0, EOS]]
    assert (after.path.numpy()[0] % 2).tolist() == [[0, 1], [0, 1]]
    assert after.state[0].numpy().tolist() == [[20], [20]]


def test_a_finished_beam_goes_on_with_the_end_token_alone():
    log_probs = tf.math.log(tf.constant([[[0.5, 0.2, 0.2, 0.1], [0.5, 0.2, 0.2, 0.1]]]))
    frozen = freeze_finished(log_probs, tf.constant([[True, False]]), EOS).numpy()
    assert frozen[0, 0, EOS] == 0
    assert (np.delete(frozen[0, 0], EOS) < -1e38).all()
    assert (frozen[0, 1] == log_probs[0, 1].numpy()).all()


def test_the_length_penalty_is_gnmts():
    assert length_penalty(tf.constant([1, 7, 19]), 1.0).numpy() == pytest.approx([1, 2, 4])
    assert length_penalty(tf.constant([1, 7]), 0.5).numpy() == pytest.approx([1, math.sqrt(2)])
    assert length_penalty(tf.constant([1, 7]), 0.0).numpy() == pytest.approx([1, 1])


def test_an_end_is_scored_without_itself_and_the_step_after_with_it():
    log_probs = tf.math.log(tf.constant([[0.1, 0.1, 0.6, 0.2], [0.1, 0.1, 0.3, 0.5]]))
    before = beams_of(path_of([[3], [0]]), [-1.0, -3.0], [False, False], [1, 1])
    ending, _ = grow_beams(before, log_probs, BeamSettings(2, 1.0), EOS)
    assert tokens_of(ending) == [[3, EOS], [3, 3]]
    # One token, and two tokens, counted in sixths: (5 + 1) / 6 and (5 + 2) / 6.
    assert ending.scores.numpy()[0] == pytest.approx([-1 + math.log(0.6), (-1 + math.log(0.2)) / (7 / 6)])
    ended, _ = grow_beams(ending, log_probs, BeamSettings(2, 1.0), EOS)
    assert tokens_of(ended)[0] == [3, EOS, EOS]
    assert ended.scores.numpy()[0, 0] == pytest.approx((-1 + math.log(0.6)) / (7 / 6))
    assert ended.lengths.numpy()[0].tolist() == [2, 3]


def test_the_length_penalty_changes_the_winner():
    # "3" has probability 0.5 · 0.9 = 0.45, "4 5 3" 0.45 · 0.95 · 0.95 · 0.9 = 0.366.
    table = np.full((6, 6), 0.001, np.float32)
    table[SOS, [3, 4]] = 0.5, 0.45
    table[4, 5] = table[5, 3] = 0.95
    table[3, EOS] = 0.9
    short, long = 0.5 * 0.9, 0.45 * 0.95 * 0.95 * 0.9
    # The short one ended before the last step and is scored with its end, the long one ends there.
    assert math.log(short) / (7 / 6) ** 2 < math.log(long) / (8 / 6) ** 2
    assert words_of(beams(chain(table), (), width=2))[0][0] == (3,)
    penalized = beams(chain(table), (), width=2, weight=2.0)
    assert words_of(penalized)[0][:2] == [(4, 5, 3), (3,)]
    assert penalized.log_probs.numpy()[0] == pytest.approx([math.log(long), math.log(short)], rel=1e-4)


def test_the_coverage_penalty_is_gnmts_but_for_what_got_no_attention():
    coverage = tf.constant([[[0.5, 1.0, 2.5, 0.0], [0.1, 0.2, 1.0, 0.0]]])
    assert coverage_penalty(coverage).numpy()[0] == pytest.approx([math.log(0.5), math.log(0.02)], rel=1e-5)


def test_only_what_ended_before_pays_for_coverage_and_only_what_grows_gathers_it():
    before = beams_of(
        path_of([[EOS], [3]]), [-1.0, -2.0], [True, False], [1, 1], tf.constant([[[0.5, 0.2], [0.5, 0.2]]])
    )
    log_probs = tf.math.log(tf.constant([[0.25] * 4, [0.1, 0.1, 0.6, 0.2]]))
    seen = tf.constant([[0.5, 0.5], [0.25, 0.75]])
    after, _ = grow_beams(before, log_probs, BeamSettings(2, 0.0, 0.4), EOS, seen)
    penalty = 0.4 * math.log(0.5 * 0.2)
    assert tokens_of(after) == [[EOS, EOS], [3, EOS]]
    assert after.scores.numpy()[0] == pytest.approx([-1 + penalty, -2 + math.log(0.6)])
    assert after.log_probs.numpy()[0] == pytest.approx([-1, -2 + math.log(0.6)])
    assert after.coverage.numpy()[0] == pytest.approx(np.array([[0.5, 0.2], [0.75, 0.95]]))


def test_beam_search_is_cut_off_at_the_longest_length():
    decoded = beams(*speller([(3, 4, 5, 6)]), longest=2)
    assert words_of(decoded)[0][0] == (3, 4)
    assert decoded.ids.shape == (1, 3, 2)


def looking(table, places):
    """A step function whose attention, (N, places), is a function of the tokens so far."""
    _, step = table

    def look(ids, state):
        prefix, _ = state
        log_probs, prefix = step(ids, prefix)
        weights = tf.stack([tf.cast((prefix * (s + 3)) % 7, tf.float32) for s in range(places)], 1)
        weights *= tf.cast(tf.range(places) < places - 1, tf.float32)  # the last place is padding
        return log_probs, (prefix, weights / tf.maximum(tf.reduce_sum(weights, 1, keepdims=True), 1.0))

    return look, lambda rows: (tf.constant(rows), tf.zeros((len(rows), places)))


def test_alignments_are_those_of_the_words_that_were_found():
    step, start = looking(depth_chain(4), 3)
    decoded = beams(step, start([0, 7]), rows=2, longest=5, width=3, alignments=lambda state: state[1])
    for b, first in enumerate([0, 7]):
        for k, word in enumerate(words_of(decoded)[b]):
            state, fed = start([first]), SOS
            for t, token in enumerate(word):
                _, state = step(tf.constant([fed]), state)
                assert decoded.alignments.numpy()[b, k, t] == pytest.approx(state[1].numpy()[0])
                fed = token


def original(step, state, longest, width, weight, coverage_weight):
    """TensorFlow 1's BeamSearchDecoder and gather_tree as they read, one row at a time, in plain loops."""
    beam = [(0.0 if k == 0 else -np.inf, k > 0, 0, np.zeros(4, np.float32), state) for k in range(width)]
    fed, tree = [SOS] * width, []
    for _ in range(longest):
        candidates, stepped = [], []
        for k, (total, finished, length, covered, state) in enumerate(beam):
            following, log_probs = state, np.zeros(5, np.float32)  # of one that has finished nobody asks for more
            if not finished:
                found, following = step(tf.constant([fed[k]]), state)
                covered, log_probs = covered + following[1].numpy()[0], found.numpy()[0]
            stepped.append((following, covered))
            counted = np.where(covered == 0, np.float32(1), covered)
            penalty = float(finished) * np.log(np.minimum(counted, 1)).sum() * coverage_weight
            for token, log_prob in enumerate(log_probs):
                gained = (0.0 if token == EOS else np.finfo(np.float32).min) if finished else log_prob
                new_length = length + (0 if finished or token == EOS else 1)
                with np.errstate(over="ignore"):
                    score = (total + gained) / ((5 + new_length) / 6) ** weight + penalty
                candidates.append((score, -k, -token, total + gained))
        best = sorted(candidates, reverse=True)[:width]
        grown = []
        for _, k, token, total in best:
            _, finished, length, _, _ = beam[-k]
            following, covered = stepped[-k]
            grown.append((total, finished or -token == EOS, length + (not finished), covered, following))
        beam, fed = grown, [-token for _, _, token, _ in best]
        tree.append([(-token, -k) for _, k, token, _ in best])
        if all(finished for _, finished, *_ in beam):
            break
    words = []
    for k in range(width):
        word = []
        for level in reversed(tree):
            token, parent = level[k]
            word, k = [token, *word], parent
        words.append(tuple(itertools.takewhile(lambda token: token != EOS, word)))
    return words


@pytest.mark.parametrize(("weight", "coverage"), [(0.0, 0.0), (1.0, 0.0), (-0.7, 0.0), (0.6, 0.4), (0.0, 2.0)])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_rows_of_a_batch_are_found_as_tensorflow_1_finds_them(seed, weight, coverage):
    step, start = looking(depth_chain(seed), 4)
    decoded = beams(
        step, start([0, 7, 31]), rows=3, longest=6, width=3, weight=weight, coverage=coverage,
        alignments=lambda state: state[1],
    )  # fmt: skip
    for b, first in enumerate([0, 7, 31]):
        assert words_of(decoded)[b] == original(step, start([first]), 6, 3, weight, coverage)
