"""The few likeliest sentences of a tree: held to what teacher forcing in TensorFlow says of each."""

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.dataset import batch_arrays
from core.nmt.decoding import Decoder
from core.nmt.model import Batch, Seq2Seq
from core.nmt.target_tree import TargetTree
from tests.core.nmt.random_sentences import ENDS, HPARAMS, VOCAB, sentences

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def model():
    return Seq2Seq(HPARAMS, VOCAB, VOCAB)


SOURCES = [np.array(source, np.int32) for source in sentences(1, 4)]


def log_probs(model, source, answers):
    """The log-probability of each answer to one source, the end token counted."""
    targets = [np.array(answer, np.int32) for answer in answers]
    batch = Batch(*map(tf.constant, batch_arrays([source] * len(answers), targets, **ENDS._asdict())))
    lengths = batch.target_lengths.numpy()
    owners = [row for t in range(max(lengths)) for row in np.flatnonzero(lengths > t)]  # as the losses come
    return (-np.bincount(owners, model.token_losses(batch).numpy())).tolist()


@pytest.mark.parametrize("count", [1, 3])
def test_the_best_of_a_tree_score_what_the_search_says(model, count):
    known = sentences(5, 30)
    decoder = Decoder(
        model, HPARAMS.updated({"beam_width": 5, "infer_mode": "beam_search"}), ENDS, frozen=True,
        tree=TargetTree(known, ENDS.eos_id),
    )  # fmt: skip
    found = decoder.decode_some(SOURCES, count)
    assert [[one.ids for one in some][:1] for some in found] == [[one.ids] for one in decoder.decode_best(SOURCES)]
    assert max(map(len, found)) == count
    for source, some in zip(SOURCES, found, strict=True):
        sums = [one.log_prob for one in some]
        assert sums == sorted(sums, reverse=True)
        assert len({tuple(one.ids) for one in some}) == len(some)
        assert all(one.ids in known for one in some)
        assert sums == pytest.approx(log_probs(model, source, [one.ids for one in some]), rel=1e-4)


def test_with_as_many_beams_as_sentences_the_n_best_are_the_n_likeliest(model):
    known = sentences(6, 8)
    hparams = HPARAMS.updated({"beam_width": 8, "infer_mode": "beam_search"})
    decoder = Decoder(model, hparams, ENDS, frozen=True, tree=TargetTree(known, ENDS.eos_id))
    scores = log_probs(model, SOURCES[0], known)
    likeliest = [known[i] for i in np.argsort(scores)[::-1][:3]]
    [found] = decoder.decode_some(SOURCES[:1], 3)
    assert [one.ids for one in found] == likeliest
