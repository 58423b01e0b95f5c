"""What sources are read as, to be compared: NumPy's way held to TensorFlow's, and to the encoder's own outputs."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.dataset import pad
from core.nmt.decoding import Decoder
from core.nmt.model import Seq2Seq
from tests.core.nmt.random_sentences import ENDS, HPARAMS, VOCAB, sentences

pytestmark = pytest.mark.usefixtures("eagerly")

SOURCES = [np.array(source, np.int32) for source in [*sentences(1, 5), sentences(1, 1)[0][:1]]]


@pytest.fixture(scope="module")
def model():
    return Seq2Seq(HPARAMS, VOCAB, VOCAB)


@pytest.mark.parametrize("flags", [{}, {"encoder_type": "uni"}, {"source_reverse": True}])
def test_numpy_and_tensorflow_read_the_same(flags):
    hparams = replace(HPARAMS, **flags)
    model = Seq2Seq(hparams, VOCAB, VOCAB)
    quick, slow = (Decoder(model, hparams, ENDS, frozen=frozen) for frozen in (True, False))
    assert (quick.is_quick, slow.is_quick) == (True, False)
    np.testing.assert_allclose(quick.meanings(SOURCES), slow.meanings(SOURCES), atol=1e-5)


def test_it_is_the_mean_of_the_encoders_outputs_at_tokens(model):
    ids, lengths = pad(SOURCES[:1])
    [outputs] = model.encoder(model.source_embedding(tf.transpose(ids)), tf.constant(lengths), None).outputs
    [found] = Decoder(model, HPARAMS, ENDS).meanings(SOURCES[:1])
    np.testing.assert_allclose(found, outputs.numpy().mean(0), atol=1e-5)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_source_is_read_alike_alone_and_among_others_in_smaller_batches_too(model, frozen):
    decoder = Decoder(model, replace(HPARAMS, infer_batch_size=2), ENDS, frozen=frozen)
    together = decoder.meanings(SOURCES)
    for source, expected in zip(SOURCES, together, strict=True):
        np.testing.assert_allclose(decoder.meanings([source])[0], expected, atol=1e-5)


def test_no_sources_are_read_as_nothing_and_a_language_model_reads_none(model):
    assert len(Decoder(model, HPARAMS, ENDS).meanings([])) == 0
    hparams = replace(HPARAMS, language_model=True, encoder_type="uni", attention="")
    assert Decoder(Seq2Seq(hparams, VOCAB, VOCAB), hparams, ENDS).meanings(SOURCES).shape == (len(SOURCES), 0)
