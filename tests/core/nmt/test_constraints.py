"""What an answer must not do, on step functions whose every probability is known."""

import math

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.constraints import FORBIDDEN, Constraints, Sizes, constrain, repeats
from core.nmt.target_tree import TargetTree
from tests.core.nmt.step_functions import (
    EOS,
    SOS,
    beams,
    chain,
    depth_chain,
    every_hypothesis,
    greedy,
    speller,
    words_of,
)

V = 6


def constrained(step, state, rows=1, longest=6, vocab_size=V, **flags):
    return constrain(step, state, Constraints(**flags), Sizes(rows, vocab_size, longest))


def test_without_constraints_nothing_is_added():
    step = chain(np.eye(V))
    assert constrained(step, ()) == (step, ())


def test_what_was_said_gets_its_log_probability_times_the_penalty():
    table = np.full((V, V), 0.1, np.float32)
    table[:, 3] = 0.5
    step, state = constrained(chain(table), (), repetition_penalty=2.0)
    log_probs, state = step(tf.constant([SOS]), state)
    expected = np.log(table[SOS])
    expected[SOS] *= 2  # what the answer begins with counts as said
    assert log_probs.numpy()[0] == pytest.approx(expected)
    _, state = step(tf.constant([3]), state)
    log_probs, _ = step(tf.constant([5]), state)
    expected = np.log(table[5])
    expected[[SOS, 3, 5]] *= 2
    assert log_probs.numpy()[0] == pytest.approx(expected)


def test_a_penalty_lets_an_answer_say_something_else():
    table = np.full((V, V), 0.1, np.float32)
    table[:, 3], table[:, 4] = 0.5, 0.28
    assert words_of(greedy(chain(table), (), longest=3)) == [[(3, 3, 3)]]
    # Said once, 3 comes to 0.5²: below 0.28, but above 0.1.
    assert words_of(greedy(*constrained(chain(table), (), repetition_penalty=2.0), longest=3)) == [[(3, 4, 3)]]


@pytest.mark.parametrize(
    ("said", "size", "expected"),
    [
        ([3, 4, 3], 2, [4]),
        ([3, 4, 5, 3, 4], 3, [5]),
        ([3, 4, 5, 3, 5], 3, []),
        ([3, 3], 2, [3]),
        ([3, 4, 3, 5, 3], 2, [4, 5]),
        ([3, 4], 1, [3, 4]),
        ([], 2, []),
        ([3], 2, []),
        ([3], 4, []),
        ([3, 3, 3, 3], 3, [3, 3]),
    ],
)
def test_a_token_that_would_end_a_run_a_second_time_is_found(said, size, expected):
    row = [-1] * (9 - len(said)) + said
    found = repeats(tf.constant([[-1] * 9, row]), size).numpy()
    assert (found[:, 0] == 1).all()
    assert found[:, 1].tolist() == expected


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("search", [greedy, beams])
def test_no_run_of_tokens_comes_twice(search, size):
    table = np.full((V, V), 0.05, np.float32)
    table[:, [3, 4]] = 0.45, 0.35
    width = 3 if search is beams else 1
    step, state = constrained(chain(table), (), width, 8, no_repeat_ngram_size=size)
    if search is beams:  # the state is made for the beams already
        state = tf.nest.map_structure(lambda x: x[::width], state)
    for word in words_of(search(step, state, longest=V - 1 if size == 1 else 8))[0]:
        runs = [word[i : i + size] for i in range(len(word) - size + 1)]
        assert len(set(runs)) == len(runs)
    free = words_of(search(chain(table), (), longest=8))[0][0]
    assert free == (3,) * 8


def test_beams_carry_what_they_said():
    """Of hypotheses that split and change places each is penalized for its own tokens."""
    table, step = depth_chain(3, vocab_size=V)
    limited, state = constrained(step, tf.zeros(1, tf.int32), longest=3, repetition_penalty=1.5, no_repeat_ngram_size=2)
    decoded = beams(limited, state, longest=3, width=5)
    for word, total in zip(words_of(decoded)[0], decoded.log_probs.numpy()[0], strict=True):
        prefix, expected, said = SOS, 0.0, {SOS}
        for token in (*word, EOS)[:3]:
            gained = math.log(table[prefix % V**4, token])
            expected += gained * (1.5 if token in said else 1)
            said.add(token)
            prefix = prefix * V + token
        assert total == pytest.approx(expected, rel=1e-4)


def test_rows_are_limited_apart():
    words = [(3, 4, 3, 4, 3), (3, 3, 5, 3, 3), (4, 5, 4, 5, 4)]
    step, state = speller(words, V)
    limited = constrained(step, state, 3, 9, no_repeat_ngram_size=2)
    together = greedy(*limited, rows=3, longest=9)
    for b, word in enumerate(words):
        alone = constrained(*speller([word], V), 1, 9, no_repeat_ngram_size=2)
        assert words_of(greedy(*alone, longest=9))[0] == words_of(together)[b]
        assert words_of(together)[b][0] != word


def test_only_what_goes_on_to_a_sentence_of_the_tree_may_come():
    tree = TargetTree([[3, 4], [3, 5], [4]], EOS)
    table = np.full((V, V), 1 / V, np.float32)
    step, state = constrained(chain(table), (), rows=2, tree=tree)
    allowed = []
    for said in ([SOS, SOS], [3, 4], [5, EOS]):
        log_probs, state = step(tf.constant(said), state)
        allowed.append([np.flatnonzero(row > FORBIDDEN / 2).tolist() for row in log_probs.numpy()])
        assert log_probs.numpy().max() == pytest.approx(math.log(1 / V))
    assert allowed == [[[3, 4], [3, 4]], [[4, 5], [EOS]], [[EOS], []]]


@pytest.mark.parametrize("seed", range(4))
def test_a_beam_wide_enough_finds_the_best_sentence_of_the_tree(seed):
    sentences = [(3, 4), (3, 3, 4), (4,), (4, 4), (0, 3, 0)]
    table, step = depth_chain(seed)
    known = every_hypothesis(table, 4)
    step, state = constrained(step, tf.zeros(1, tf.int32), vocab_size=5, tree=TargetTree(sentences, EOS))
    [found] = words_of(beams(step, state, longest=4, width=len(sentences)))
    assert found == sorted(sentences, key=lambda sentence: -sum(known[sentence]))
