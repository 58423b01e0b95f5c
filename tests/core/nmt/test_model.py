"""The whole model: its two ways agree, padding counts for nothing, and weights come from the seed."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.dataset import batch_arrays
from core.nmt.encoders import Dropout
from core.nmt.hparams import HParams
from core.nmt.model import Batch, Seq2Seq
from core.nmt.vocab import EOS_ID, SOS_ID

U, SRC_V, TGT_V = 4, 9, 7
HPARAMS = HParams(num_units=U, num_layers=2, attention="scaled_luong", init_weight=0.5)
SOURCES = [np.array(ids, np.int32) for ids in ([3, 8, 4, 5, 6], [7], [4, 4, 3])]
TARGETS = [np.array(ids, np.int32) for ids in ([5, 6], [3, 4, 6, 5], [3])]


def batch(rows=slice(None)):
    return Batch(*(tf.constant(array) for array in batch_arrays(SOURCES[rows], TARGETS[rows])))


def model_of(**flags):
    return Seq2Seq(replace(HPARAMS, **flags), SRC_V, TGT_V)


@pytest.mark.parametrize("flags", [{}, {"attention": ""}, {"encoder_type": "bi", "unit_type": "gru"}], ids=str)
def test_teacher_forcing_and_decoding_steps_give_the_same_probabilities(flags):
    model = model_of(**flags)
    losses = iter(model.token_losses(batch()).numpy())  # time-major: every row's first token, then the second …
    state = model.encode(*batch()[:2])
    fed = batch().target_input_ids.numpy()
    wanted = batch().target_output_ids.numpy()
    for t in range(fed.shape[1]):
        log_probs, state = model.decode_step(tf.constant(fed[:, t]), state)
        assert np.exp(log_probs).sum(1) == pytest.approx([1] * 3, rel=1e-5)
        for b, length in enumerate(batch().target_lengths.numpy()):
            if t < length:
                assert next(losses) == pytest.approx(-log_probs[b, wanted[b, t]].numpy(), rel=1e-4)
    assert next(losses, None) is None


def test_every_real_token_and_the_end_have_a_loss():
    assert model_of().token_losses(batch()).shape == (len([5, 6, EOS_ID, 3, 4, 6, 5, EOS_ID, 3, EOS_ID]),)


def test_the_loss_of_a_batch_is_that_of_its_rows_alone():
    model = model_of()
    alone = sum(model.token_losses(batch(slice(b, b + 1))).numpy().sum() for b in range(3))
    assert model.token_losses(batch()).numpy().sum() == pytest.approx(alone, rel=1e-5)


def test_smoothing_and_dropout_are_for_training_alone():
    model, plain = model_of(label_smoothing=0.2), model_of()
    assert (model.token_losses(batch()).numpy() == plain.token_losses(batch()).numpy()).all()
    training = Dropout(0.0, tf.constant([0, 1]))
    assert (model.token_losses(batch(), training).numpy() != plain.token_losses(batch(), training).numpy()).any()


@pytest.mark.parametrize(
    "flags",
    [
        {"attention": attention, "unit_type": unit_type, "encoder_type": encoder_type}
        for attention in ("", "normed_bahdanau")
        for unit_type in ("lstm", "gru")
        for encoder_type in ("uni", "bi")
    ]
    + [{"pass_hidden_state": False}, {"output_attention": False}, {"residual": True}],
    ids=lambda flags: ",".join(f"{k}={v}" for k, v in flags.items()),
)
def test_every_weight_learns(flags):
    model = model_of(**flags)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model.token_losses(batch(), Dropout(0.0, tf.constant([0, 1]))))
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert gradient is not None, variable.name
        assert np.abs(tf.convert_to_tensor(gradient).numpy()).max() > 0, variable.name


def test_weights_depend_on_the_seed_alone():
    first, again, other = model_of(), model_of(), model_of(random_seed=1)
    for a, b in zip(first.trainable_variables, again.trainable_variables, strict=True):
        assert (a.numpy() == b.numpy()).all()
    assert (first.projection.numpy() != other.projection.numpy()).any()


def test_a_shared_vocabulary_has_one_embedding():
    shared = Seq2Seq(replace(HPARAMS, share_vocab=True), TGT_V, TGT_V)
    assert shared.target_embedding is shared.source_embedding
    assert len(shared.trainable_variables) == len(model_of().trainable_variables) - 1


@pytest.mark.parametrize("attention", ["", "luong"])
def test_a_state_can_be_carried_by_a_graphs_loop(attention):
    """Also without attention, where there is no memory to carry."""
    model = model_of(attention=attention)

    @tf.function(autograph=False)
    def two_steps(ids, lengths):
        def body(t, ids, state):
            log_probs, state = model.decode_step(ids, state)
            return t + 1, tf.argmax(log_probs, -1, output_type=tf.int32), state

        first = tf.fill(tf.shape(lengths), SOS_ID)
        return tf.while_loop(lambda t, *_: t < 2, body, (0, first, model.encode(ids, lengths)))[1]

    state, ids = model.encode(*batch()[:2]), tf.fill((3,), SOS_ID)
    for _ in range(2):
        log_probs, state = model.decode_step(ids, state)
        ids = tf.argmax(log_probs, -1, output_type=tf.int32)
    assert (two_steps(*batch()[:2]).numpy() == ids.numpy()).all()
