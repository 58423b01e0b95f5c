"""Searches on step functions made up for the purpose: no model, so that every score is known."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.search import _Beams, beam_search, freeze_finished, greedy_search, grow_beams, length_penalty

SOS, EOS = 1, 2
ENDS = {"sos_id": SOS, "eos_id": EOS}


def speller(words, vocab_size=10):
    """A step function that spells a word in each row, whatever it is fed; its state is the row and the place."""
    padded = tf.constant([[*word, EOS, EOS] for word in words])

    def step(ids, state):
        row, place = state
        wanted = tf.gather_nd(padded, tf.stack([row, tf.minimum(place, padded.shape[1] - 1)], 1))
        return tf.math.log(0.1 / (vocab_size - 1) + 0.9 * tf.one_hot(wanted, vocab_size)), (row, place + 1)

    return step, (tf.range(len(words)), tf.zeros(len(words), tf.int32))


def chain(table):
    """A step function without a state: the log-probabilities of what follows a token are its row of `table`."""
    logs = tf.math.log(tf.constant(table, tf.float32))
    return lambda ids, state: (tf.gather(logs, ids), state)


def random_chain(seed, vocab_size=5):
    table = np.random.default_rng(seed).dirichlet(np.ones(vocab_size), vocab_size).astype(np.float32)
    return table, chain(table)


def depth_chain(seed, vocab_size=5, depth=4):
    """As `random_chain`, but what follows depends on all tokens so far, which a state has to carry."""
    table = np.random.default_rng(seed).dirichlet(np.ones(vocab_size), vocab_size**depth).astype(np.float32)
    logs = tf.math.log(table)

    def step(ids, state):
        prefix = (state * vocab_size + ids) % vocab_size**depth
        return tf.gather(logs, prefix), prefix

    return table, step


def words_of(decoded):
    """For each row, each beam's tokens."""
    ids, lengths, _ = (tensor.numpy() for tensor in decoded)
    return [[tuple(ids[b, k, : lengths[b, k]]) for k in range(ids.shape[1])] for b in range(len(ids))]


def beams(step, state, rows=1, longest=6, width=3, weight=0.0):
    return beam_search(step, state, rows, tf.constant(longest), beam_width=width, length_penalty_weight=weight, **ENDS)


def test_greedy_search_spells_a_word_in_each_row():
    words = [(3, 4, 5), (), (6, 6, 6), (7, 3, 9)]
    words = [word + (EOS,) * (3 - len(word)) for word in words]
    step, state = speller(words)
    decoded = greedy_search(step, state, tf.constant(4), tf.constant(10), **ENDS)
    assert words_of(decoded) == [[(3, 4, 5)], [()], [(6, 6, 6)], [(7, 3, 9)]]
    assert decoded.lengths.numpy().tolist() == [[3], [0], [3], [3]]


def test_greedy_search_scores_the_end_and_nothing_after_it():
    step, state = speller([(3, EOS, EOS), (4, 5, 6)])
    decoded = greedy_search(step, state, tf.constant(2), tf.constant(10), **ENDS)
    right = math.log(0.9 + 0.1 / 9)
    assert decoded.log_probs.numpy()[:, 0] == pytest.approx([2 * right, 4 * right], rel=1e-5)


def test_greedy_search_is_cut_off_at_the_longest_length():
    step, state = speller([(3, 4, 5, 6)])
    decoded = greedy_search(step, state, tf.constant(1), tf.constant(2), **ENDS)
    assert words_of(decoded) == [[(3, 4)]]
    assert decoded.ids.shape == (1, 1, 2)


def test_searches_stop_when_every_row_has_ended():
    step, state = speller([(3, 4)])
    assert greedy_search(step, state, tf.constant(1), tf.constant(100), **ENDS).ids.shape[2] == 3
    assert beams(step, state, longest=100, width=1).ids.shape[2] == 3


def test_the_state_of_a_search_may_be_nothing():
    table = np.full((4, 4), 0.1, np.float32)
    table[SOS, 3] = table[3, EOS] = 0.7
    assert words_of(greedy_search(chain(table), (), tf.constant(1), tf.constant(5), **ENDS)) == [[(3,)]]
    assert words_of(beams(chain(table), (), width=2))[0][0] == (3,)


@pytest.mark.parametrize("seed", range(4))
def test_one_beam_is_greedy_search(seed):
    _, step = depth_chain(seed)
    state = tf.zeros(3, tf.int32) + tf.constant([0, 7, 31])
    greedy = greedy_search(step, state, tf.constant(3), tf.constant(6), **ENDS)
    beam = beams(step, state, rows=3, width=1)
    assert words_of(beam) == words_of(greedy)
    assert beam.log_probs.numpy() == pytest.approx(greedy.log_probs.numpy(), rel=1e-5)


def every_hypothesis(table, longest, vocab_size=5, depth=4):
    """All words of at most `longest` tokens, the end counted or cut off, with the sums of their log-probabilities."""
    found = {}
    others = [token for token in range(vocab_size) if token != EOS]
    for length in range(longest + 1):
        for word in itertools.product(others, repeat=length):
            tokens = (*word, EOS)[:longest]
            prefix, total = SOS, 0.0
            for token in tokens:
                total += math.log(table[prefix % vocab_size**depth, token])
                prefix = prefix * vocab_size + token
            found[word] = (total, len(tokens))
    return found


@pytest.mark.parametrize("weight", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_beam_wide_enough_finds_what_an_exhaustive_search_finds(seed, weight):
    table, step = depth_chain(seed)
    decoded = beams(step, tf.zeros(1, tf.int32), longest=3, width=85, weight=weight)
    expected = every_hypothesis(table, longest=3)
    scores = {word: total / ((5 + n) / 6) ** weight for word, (total, n) in expected.items()}
    ranked = sorted(scores, key=scores.get, reverse=True)
    assert len(ranked) == 85
    assert words_of(decoded)[0] == ranked
    assert decoded.log_probs.numpy()[0] == pytest.approx([expected[word][0] for word in ranked], rel=1e-4)


def test_a_wider_beam_finds_a_likelier_word_than_greedy_search():
    table = np.full((6, 6), 0.001, np.float32)
    table[SOS, [3, 4]] = 0.5, 0.4
    table[3, [3, 4, 5, EOS]] = 0.3, 0.25, 0.25, 0.2
    table[4, EOS] = 0.99
    assert words_of(greedy_search(chain(table), (), tf.constant(1), tf.constant(2), **ENDS)) == [[(3, 3)]]
    assert words_of(beams(chain(table), (), longest=2, width=2))[0][0] == (4,)


def test_rows_are_searched_apart():
    _, step = depth_chain(5)
    starts = tf.constant([0, 7, 31, 100])
    together = beams(step, starts, rows=4)
    for b in range(4):
        alone = beams(step, starts[b : b + 1])
        assert words_of(alone)[0] == words_of(together)[b]
        assert alone.log_probs[0].numpy() == pytest.approx(together.log_probs[b].numpy(), rel=1e-5)


def test_hypotheses_of_a_beam_differ_and_the_best_comes_first():
    _, step = random_chain(3, vocab_size=8)
    [found] = words_of(beams(step, (), width=5))
    assert len(set(found)) == 5
    log_probs = beams(step, (), width=5).log_probs.numpy()[0]
    assert list(log_probs) == sorted(log_probs, reverse=True)


def test_a_vocabulary_smaller_than_the_beam_is_no_trouble():
    table, step = random_chain(1, vocab_size=3)
    decoded = beams(step, (), longest=2, width=4)
    assert words_of(decoded)[0][0] == max(
        ((), (0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1)),
        key=lambda word: math.prod(
            table[a, b] for a, b in itertools.pairwise([SOS, *word, *([EOS] if len(word) < 2 else [])])
        ),
    )


def beams_of(ids, log_probs, finished, lengths):
    return _Beams(
        ids=tf.constant([ids]),
        log_probs=tf.constant([log_probs]),
        finished=tf.constant([finished]),
        lengths=tf.constant([lengths]),
        state=(tf.constant([[10.0], [20.0]]),),
    )


def test_a_finished_beam_keeps_its_score():
    before = beams_of([[SOS, EOS], [SOS, 3]], [-1.0, -2.0], [True, False], [1, 1])
    log_probs = tf.math.log(tf.constant([[[0.1, 0.2, 0.1, 0.6], [0.1, 0.1, 0.3, 0.5]]]))
    after = grow_beams(before, log_probs, 0.0, EOS)
    assert after.ids.numpy()[0].tolist() == [[SOS, EOS, EOS], [SOS, 3, 3]]
    assert after.log_probs.numpy()[0] == pytest.approx([-1.0, -2 + math.log(0.5)])
    assert after.finished.numpy()[0].tolist() == [True, False]
    assert after.lengths.numpy()[0].tolist() == [1, 2]
    assert after.state[0].numpy().tolist() == [[10], [20]]


def test_the_state_follows_the_beam_it_belongs_to():
    before = beams_of([[SOS, 3], [SOS, 0]], [-5.0, -1.0], [False, False], [1, 1])
    log_probs = tf.math.log(tf.constant([[[0.25, 0.25, 0.25, 0.25], [0.1, 0.1, 0.2, 0.6]]]))
    after = grow_beams(before, log_probs, 0.0, EOS)
    assert after.ids.numpy()[0].tolist() == [[SOS, 0, 3], [SOS, 0, EOS]]
    assert after.state[0].numpy().tolist() == [[20], [20]]


def test_a_finished_beam_goes_on_with_the_end_token_alone():
    log_probs = tf.math.log(tf.constant([[[0.5, 0.2, 0.2, 0.1], [0.5, 0.2, 0.2, 0.1]]]))
    frozen = freeze_finished(log_probs, tf.constant([[True, False]]), EOS).numpy()
    assert frozen[0, 0, EOS] == 0
    assert (np.delete(frozen[0, 0], EOS) < -1e8).all()
    assert (frozen[0, 1] == log_probs[0, 1].numpy()).all()


def test_the_length_penalty_is_gnmts():
    assert length_penalty(tf.constant([1, 7, 19]), 1.0).numpy() == pytest.approx([1, 2, 4])
    assert length_penalty(tf.constant([1, 7]), 0.5).numpy() == pytest.approx([1, math.sqrt(2)])
    assert length_penalty(tf.constant([1, 7]), 0.0).numpy() == pytest.approx([1, 1])


def test_the_length_penalty_changes_the_winner():
    # "3" has probability 0.5 · 0.9 = 0.45, "4 5 3" 0.45 · 0.95 · 0.95 · 0.9 = 0.366.
    table = np.full((6, 6), 0.001, np.float32)
    table[SOS, [3, 4]] = 0.5, 0.45
    table[4, 5] = table[5, 3] = 0.95
    table[3, EOS] = 0.9
    short, long = 0.5 * 0.9, 0.45 * 0.95 * 0.95 * 0.9
    assert math.log(short) / (7 / 6) < math.log(long) / (9 / 6)
    assert words_of(beams(chain(table), (), width=2))[0][0] == (3,)
    penalized = beams(chain(table), (), width=2, weight=1.0)
    assert words_of(penalized)[0][:2] == [(4, 5, 3), (3,)]
    assert penalized.log_probs.numpy()[0] == pytest.approx([math.log(long), math.log(short)], rel=1e-4)


def test_beam_search_is_cut_off_at_the_longest_length():
    step, state = speller([(3, 4, 5, 6)])
    decoded = beams(step, state, longest=2)
    assert words_of(decoded)[0][0] == (3, 4)
    assert decoded.ids.shape == (1, 3, 2)


def test_searches_run_inside_a_graph_on_rows_whose_number_is_not_known():
    _, step = depth_chain(2)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.int32)], autograph=False)
    def search(starts):
        rows = tf.shape(starts)[0]
        return beams(step, starts, rows=rows, width=2), greedy_search(step, starts, rows, tf.constant(6), **ENDS)

    for starts in (tf.constant([0, 7]), tf.constant([3])):
        beam, greedy = search(starts)
        assert words_of(beam) == words_of(beams(step, starts, rows=len(starts), width=2))
        assert words_of(greedy) == words_of(greedy_search(step, starts, len(starts), tf.constant(6), **ENDS))
