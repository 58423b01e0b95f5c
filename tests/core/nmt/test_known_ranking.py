"""The best of a tree's sentences, by models that are random tables: held to a beam search that is spelt out."""

from itertools import pairwise

import numpy as np
import pytest

from core.nmt import decoding
from core.nmt.decoding import Decoder
from core.nmt.model import Seq2Seq
from core.nmt.numpy_tree_search import known_n_best
from core.nmt.ranking import Ranking
from core.nmt.target_tree import TargetTree
from tests.core.nmt.chain_model import Chain
from tests.core.nmt.random_sentences import ENDS, HPARAMS, VOCAB

SIZE = 7  # tokens that sentences are made of, the ends and <unk> among them
SURE = [3, 4, 5]
SOURCES = [np.array([number], np.int32) for number in range(4)]


def random_tables(generator, sharpness):
    """A table for each source, of which the last is nearly sure of one sentence."""
    logits = sharpness * generator.normal(size=(len(SOURCES), SIZE, SIZE))
    tables = np.exp(logits) / np.exp(logits).sum(2, keepdims=True)
    for before, token in pairwise([ENDS.sos_id, *SURE, ENDS.eos_id]):
        tables[-1, before] *= 0.05
        tables[-1, before, token] += 0.95
    return tables


def random_tree(generator, count=40):
    lengths = generator.integers(1, 7, count)
    sentences = [generator.integers(3, SIZE, length).tolist() for length in lengths]
    return [SURE, *sentences], TargetTree([SURE, *sentences], ENDS.eos_id)


def spelt_out(table, sentences, width):
    """Beam search over lists: (log-probability, sentence) of the beams at the end, the likeliest first."""
    ways = {}
    for said in ((ENDS.sos_id, *sentence, ENDS.eos_id) for sentence in sentences):
        for place in range(1, len(said)):
            ways.setdefault(said[:place], set()).add(said[place])
    beams = [(0.0, (ENDS.sos_id,))]
    while any(ids in ways for _, ids in beams):
        grown = [beam for beam in beams if beam[1] not in ways]  # those that have ended
        for log_prob, ids in beams:
            grown += [(log_prob + np.log(table[ids[-1], token]), (*ids, token)) for token in ways.get(ids, ())]
        beams = sorted(grown, reverse=True)[:width]
    return [(log_prob, list(ids[1:-1])) for log_prob, ids in beams]


@pytest.mark.parametrize("sharpness", [0.2, 1.0, 3.0])
def test_the_n_best_are_the_first_of_the_beams(sharpness):
    generator = np.random.default_rng(3)
    for _ in range(4):
        tables, (sentences, tree) = random_tables(generator, sharpness), random_tree(generator)
        for width in (1, 2, 6, 50):
            expected = [spelt_out(table, sentences, width) for table in tables]
            for count in {1, min(3, width), width}:
                found = known_n_best(Chain(*tables), tree, SOURCES, count, (width, 3), ENDS)
                for ones, beams in zip(found, expected, strict=True):
                    assert [one.ids for one in ones] == [ids for _, ids in beams[:count]]
                    assert [one.log_prob for one in ones] == pytest.approx(
                        [sum_ for sum_, _ in beams[:count]], rel=1e-4
                    )
                    assert [one.scored_tokens for one in ones] == [len(one.ids) + 1 for one in ones]


@pytest.mark.parametrize("weight", [0.0, 0.6, 2.0, -0.7])
def test_a_decoder_ranks_all_beams_and_stops_early_where_nothing_else_could_win(weight, monkeypatch):
    generator, model = np.random.default_rng(4), Seq2Seq(HPARAMS, VOCAB, VOCAB)
    early = overtaken = 0
    for sharpness in (0.3, 1.5, 4.0):
        tables, (sentences, tree) = random_tables(generator, sharpness), random_tree(generator)
        monkeypatch.setattr(decoding, "quick_model", lambda _, tables=tables: Chain(*tables))
        for width in (2, 8):
            hparams = HPARAMS.updated(
                {"beam_width": width, "infer_mode": "beam_search", "length_penalty_weight": weight}
            )
            decoder = Decoder(model, hparams, ENDS, frozen=True, tree=tree)
            first, few, every = (decoder.decode_some(SOURCES, count) for count in (1, 2, width))
            assert [[best] for best in decoder.decode_best(SOURCES)] == first
            score = Ranking(weight, tree.depth).score
            for found in zip(tables, first, few, every, strict=True):
                beams = spelt_out(found[0], sentences, width)
                ranked = sorted(beams, key=lambda beam: -score(beam[0], len(beam[1]) + 1))
                overtaken += ranked[0] != beams[0]
                early += len(found[3]) < len(beams)
                for some, count in zip(found[1:], (1, 2, width), strict=True):
                    expected = ranked[: 1 if len(found[3]) == 1 else count]
                    assert [one.ids for one in some] == [ids for _, ids in expected]
                    scores = [score(sum_, len(ids) + 1) for sum_, ids in expected]
                    assert [one.score for one in some] == pytest.approx(scores, rel=1e-4)
    assert early
    assert bool(overtaken) == bool(weight)
