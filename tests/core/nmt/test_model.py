"""The whole model: its two ways agree, padding counts for nothing, and weights come from the seed."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.dataset import batch_arrays
from core.nmt.embeddings import Vectors
from core.nmt.encoders import Dropout
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.losses import sampled_cross_entropy
from core.nmt.model import Batch, Pretrained, SearchState, Seq2Seq
from core.nmt.vocab import EOS_ID, SOS_ID, ByteVocab

U, SRC_V, TGT_V = 4, 9, 7
HPARAMS = HParams(num_units=U, num_layers=2, attention="scaled_luong", init_weight=0.5)
SOURCES = [np.array(ids, np.int32) for ids in ([3, 8, 4], [7], [4, 4])]
TARGETS = [np.array(ids, np.int32) for ids in ([5], [3, 4, 6], [3, 5])]


def batch(rows=slice(None)):
    return Batch(*(tf.constant(array) for array in batch_arrays(SOURCES[rows], TARGETS[rows])))


def new_model(**flags):
    return Seq2Seq(replace(HPARAMS, **flags), SRC_V, TGT_V)


model_of = cache(new_model)  # no test changes its weights


@pytest.mark.parametrize("flags", [{}, {"attention": ""}, {"encoder_type": "bi", "unit_type": "gru"}], ids=str)
def test_teacher_forcing_and_decoding_steps_give_the_same_probabilities(flags):
    model = model_of(**flags)
    losses = iter(model.token_losses(batch()).numpy())  # time-major: every row's first token, then the second …
    start = model.encode(*batch()[:2])
    step, state = model.step_fn(start.memory), SearchState(start.state)
    fed = batch().target_input_ids.numpy()
    wanted = batch().target_output_ids.numpy()
    for t in range(fed.shape[1]):
        log_probs, state = step(tf.constant(fed[:, t]), state)
        assert np.exp(log_probs).sum(1) == pytest.approx([1] * 3, rel=1e-5)
        for b, length in enumerate(batch().target_lengths.numpy()):
            if t < length:
                assert next(losses) == pytest.approx(-log_probs[b, wanted[b, t]].numpy(), rel=1e-4)
    assert next(losses, None) is None


def test_every_real_token_and_the_end_have_a_loss():
    assert model_of().token_losses(batch()).shape == (len([5, EOS_ID, 3, 4, 6, EOS_ID, 3, 5, EOS_ID]),)


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
        # Every two of them meet.
        {"attention": attention, "unit_type": unit_type, "encoder_type": encoder_type}
        for attention, unit_type, encoder_type in (
            ("", "lstm", "uni"),
            ("", "gru", "bi"),
            ("normed_bahdanau", "lstm", "bi"),
            ("normed_bahdanau", "gru", "uni"),
        )
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
    first, again, other = new_model(), new_model(), new_model(random_seed=1)
    for a, b in zip(first.trainable_variables, again.trainable_variables, strict=True):
        assert (a.numpy() == b.numpy()).all()
    assert (first.projection.numpy() != other.projection.numpy()).any()


def test_a_shared_vocabulary_has_one_embedding():
    shared = Seq2Seq(replace(HPARAMS, share_vocab=True), TGT_V, TGT_V)
    assert shared.target_embedding is shared.source_embedding
    assert len(shared.trainable_variables) == len(model_of().trainable_variables) - 1


def test_a_step_keeps_its_alignments_when_asked():
    model = model_of()
    start = model.encode(*batch()[:2])
    ids = tf.fill((3,), SOS_ID)
    assert model.step_fn(start.memory)(ids, SearchState(start.state))[1].alignments == ()
    _, state = model.step_fn(start.memory, keep_alignments=True)(ids, SearchState(start.state))
    real = np.arange(batch().source_ids.shape[1]) < batch().source_lengths.numpy()[:, np.newaxis]
    assert (state.alignments.numpy()[~real] == 0).all()
    assert state.alignments.numpy().sum(1) == pytest.approx([1] * 3, rel=1e-5)


@pytest.mark.parametrize("attention", ["", "luong"])
def test_a_state_can_be_carried_by_a_graphs_loop(attention):
    """Also without attention, where there is no memory to carry."""
    model = model_of(attention=attention)

    @tf.function(autograph=False)
    def two_steps(ids, lengths):
        start = model.encode(ids, lengths)
        step = model.step_fn(start.memory)

        def body(t, ids, state):
            log_probs, state = step(ids, state)
            return t + 1, tf.argmax(log_probs, -1, output_type=tf.int32), state

        first = tf.fill(tf.shape(lengths), SOS_ID)
        return tf.while_loop(lambda t, *_: t < 2, body, (0, first, SearchState(start.state)))[1]

    start, ids = model.encode(*batch()[:2]), tf.fill((3,), SOS_ID)
    step, state = model.step_fn(start.memory), SearchState(start.state)
    for _ in range(2):
        log_probs, state = step(ids, state)
        ids = tf.argmax(log_probs, -1, output_type=tf.int32)
    assert (two_steps(*batch()[:2]).numpy() == ids.numpy()).all()


def test_sampled_words_are_for_training_alone(monkeypatch):
    asked = []

    def count(*arguments):
        asked.append(arguments[3])
        return sampled_cross_entropy(*arguments)

    monkeypatch.setattr("core.nmt.model.sampled_cross_entropy", count)
    model, plain = model_of(num_sampled_softmax=3), model_of()
    assert (model.token_losses(batch()).numpy() == plain.token_losses(batch()).numpy()).all()
    assert asked == []
    first, again, other = (
        model.token_losses(batch(), Dropout(0.0, tf.constant([0, step]))).numpy() for step in (1, 1, 2)
    )
    assert asked == [3, 3, 3]
    assert (first == again).all()
    assert (first != other).any()


def test_a_language_model_knows_nothing_of_the_source():
    model = Seq2Seq(replace(HPARAMS, language_model=True), TGT_V, TGT_V)
    assert model.encoder is None
    assert model.target_embedding is model.source_embedding
    whole = batch()
    elsewhere = whole._replace(source_ids=tf.zeros_like(whole.source_ids) + 5)
    assert (model.token_losses(whole).numpy() == model.token_losses(elsewhere).numpy()).all()
    state = model.encode(*whole[:2])
    assert all((tensor.numpy() == 0).all() for tensor in tf.nest.flatten(state))
    assert state.memory == ()


@pytest.mark.parametrize("encoder_type", ["uni", "bi", "gnmt"])
@pytest.mark.parametrize("architecture", ["standard", "gnmt"])
def test_given_vectors_may_have_another_size_than_the_layers(encoder_type, architecture):
    flags = {"encoder_type": encoder_type, "attention_architecture": architecture, "residual": True}
    source, target = Vectors.blank(SRC_V, 5, U + 1), Vectors.blank(TGT_V, 4, U + 2)
    model = Seq2Seq(replace(HPARAMS, **flags), SRC_V, TGT_V, Pretrained(source, target))
    assert np.isfinite(model.token_losses(batch()).numpy()).all()
    # Neither the fixed rows nor where they are is learned.
    tables = [v.shape for v in model.trainable_variables if v.shape.rank == 2 and v.shape[1] == U + 1]
    assert tables == [(SRC_V - 5, U + 1)]


def test_a_shared_vocabulary_has_one_table_of_given_vectors():
    vectors = Vectors.blank(TGT_V, 4, 3)
    model = Seq2Seq(replace(HPARAMS, share_vocab=True), TGT_V, TGT_V, Pretrained(vectors))
    assert model.target_embedding is model.source_embedding
    assert model.target_embedding.size == 3


def test_spelt_sources_are_read_by_their_letters():
    model = model_of(use_char_encode=True)
    rows = [ByteVocab().ids(tokens) for tokens in (["가", "나다"], ["가"])]
    ids, lengths, *_ = batch_arrays(rows, TARGETS[:2])
    state = model.encode(tf.constant(ids), tf.constant(lengths))
    alone = model.encode(tf.constant(ids[1:, :1]), tf.constant(lengths[1:]))
    assert state.state.cells[0].h.numpy()[1:] == pytest.approx(alone.state.cells[0].h.numpy(), rel=1e-5)
    assert (state.state.cells[0].h.numpy()[0] != alone.state.cells[0].h.numpy()[0]).any()


def test_a_reversed_source_is_read_from_its_end():
    model, plain = model_of(source_reverse=True), model_of()
    backwards = [row[::-1] for row in SOURCES]
    ids, lengths, *_ = batch_arrays(backwards, TARGETS)
    expected = plain.encode(tf.constant(ids), tf.constant(lengths)).state.cells[0].h.numpy()
    assert (model.encode(*batch()[:2]).state.cells[0].h.numpy() == expected).all()


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ({"num_sampled_softmax": TGT_V}, "--num_sampled_softmax=7 must be below 7"),
        ({"num_sampled_softmax": 3, "label_smoothing": 0.1}, "--label_smoothing spreads over all words"),
        ({"share_vocab": True}, "--share_vocab needs one vocabulary, not one of 9 and one of 7"),
        ({"share_vocab": True, "use_char_encode": True}, "--use_char_encode has no source vocabulary"),
    ],
    ids=str,
)
def test_hyperparameters_that_do_not_go_together_are_refused(flags, complaint):
    with pytest.raises(NmtError, match=complaint):
        model_of(**flags)
