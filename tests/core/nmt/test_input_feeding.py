"""Teacher forcing through LSTM layers: the gradient written by hand against TensorFlow's own, step by step."""

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.decoders import make_decoder
from core.nmt.encoders import Dropout, Encoded
from core.nmt.hparams import HParams
from core.nmt.recurrence import LSTMState

B, S, T, M, U = 4, 5, 3, 6, 2
LENGTHS = np.array([5, 2, 4, 1], np.int32)


def stepwise(decoder, embedded, state, memory, dropout):
    """The same as `RecurrentDecoder.sequence`, one step after another, as TensorFlow differentiates it."""
    masks = decoder._dropout_masks(embedded, dropout)
    outputs = []
    for t in range(T):
        output, state, _ = decoder.step(embedded[t], state, memory, [mask[t] for mask in masks])
        outputs.append(output)
    return tf.stack(outputs)


def gradients(run, decoder, embedded, encoded, dropout, d_outputs):
    """Outputs, and gradients of the embeddings, the encoder's outputs and states, and all variables."""
    inputs = [embedded, encoded.outputs, *tf.nest.flatten(encoded.state)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = run(decoder, embedded, *decoder.start(encoded, LENGTHS), dropout)
        total = tf.reduce_sum(outputs * d_outputs)
    return outputs, tape.gradient(total, [*inputs, *decoder.trainable_variables])


DROPPED = Dropout(0.4, tf.constant([1, 2]))


@pytest.mark.parametrize(
    ("flags", "dropout"),
    [
        ({"attention": "scaled_luong"}, None),
        ({"attention": "luong", "residual": True}, DROPPED),
        ({"attention": "bahdanau", "output_attention": False}, DROPPED),
        ({"attention": "normed_bahdanau", "forget_bias": 0.3}, DROPPED),
        ({"attention": "scaled_luong", "attention_architecture": "gnmt", "residual": True}, DROPPED),
        ({"attention": "normed_bahdanau", "attention_architecture": "gnmt_v2"}, DROPPED),
    ],
    ids=lambda value: (
        "-".join(map(str, value.values())) if isinstance(value, dict) else "dropout" if value else "whole"
    ),
)
def test_every_gradient_is_that_of_the_steps(init, rng, flags, dropout):
    decoder = make_decoder(HParams(num_units=U, num_layers=3, **flags), M, init)

    def normal(*shape):
        return tf.constant(rng.normal(size=shape), tf.float32)

    encoded = Encoded(normal(B, S, M), tuple(LSTMState(normal(B, U), normal(B, U)) for _ in range(3)))
    arguments = decoder, normal(T, B, U), encoded, dropout, normal(T, B, U)
    expected, expected_gradients = gradients(stepwise, *arguments)
    outputs, found_gradients = gradients(type(decoder).sequence, *arguments)
    assert outputs.numpy() == pytest.approx(expected.numpy(), abs=1e-5)
    for found, wanted in zip(found_gradients, expected_gradients, strict=True):
        # Where nothing is predicted from the attention vector, the last one's weights still feed the next step.
        assert tf.convert_to_tensor(found).numpy() == pytest.approx(tf.convert_to_tensor(wanted).numpy(), abs=2e-5)
