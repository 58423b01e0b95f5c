"""Step functions made up for the tests of the searches: no model, so that every score is known."""

import itertools
import math

import numpy as np
import tensorflow as tf

from core.nmt.beams import BeamSettings, beam_search, repeat_rows
from core.nmt.search import Ends, greedy_search

SOS, EOS = 1, 2
ENDS = Ends(SOS, EOS)


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


def every_hypothesis(table, longest, vocab_size=5, depth=4):
    """All words of at most `longest` tokens, the end counted or cut off, with the log-probability of each token."""
    found = {}
    others = [token for token in range(vocab_size) if token != EOS]
    for length in range(longest + 1):
        for word in itertools.product(others, repeat=length):
            prefix, steps = SOS, []
            for token in (*word, EOS)[:longest]:
                steps.append(math.log(table[prefix % vocab_size**depth, token]))
                prefix = prefix * vocab_size + token
            found[word] = steps
    return found


def words_of(decoded):
    """For each row, each beam's tokens."""
    ids, lengths = decoded.ids.numpy(), decoded.lengths.numpy()
    return [[tuple(ids[b, k, : lengths[b, k]]) for k in range(ids.shape[1])] for b in range(len(ids))]


def bounds(longest, rows=1):
    """`max_lengths`: one number for all rows, or one for each."""
    return tf.constant([longest] * rows) if isinstance(longest, int) else tf.convert_to_tensor(longest)


def greedy(step, state, rows=1, longest=6, **more):
    return greedy_search(step, state, bounds(longest, rows), ENDS, **more)


def beams(step, state, rows=1, longest=6, width=3, weight=0.0, coverage=0.0, **more):
    settings = BeamSettings(width, weight, coverage)
    return beam_search(step, repeat_rows(state, width), bounds(longest, rows), ENDS, settings, **more)
