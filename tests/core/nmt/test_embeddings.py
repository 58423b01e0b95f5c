"""How weights begin, and the rows of an embedding: learned, given, or made of letters."""

import math

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.embeddings import (
    Embedding,
    PretrainedEmbedding,
    SpellingEmbedding,
    Vectors,
    make_initializer,
    read_vectors,
)
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.vocab import SPECIALS, ByteVocab, Vocab


def draw(shape, seed=3, **flags):
    generator = tf.random.Generator.from_seed(seed, alg="philox")
    return make_initializer(HParams(**flags), generator)(shape).numpy()


def test_uniform_weights_lie_between_the_init_weight_and_its_negative():
    weights = draw((60, 50), init_weight=0.2)
    assert 0.19 < weights.max() <= 0.2
    assert -0.2 <= weights.min() < -0.19
    assert abs(weights.mean()) < 0.01


@pytest.mark.parametrize("init_op", ["glorot_uniform", "glorot_normal"])
def test_glorots_variance_is_2_over_rows_and_columns(init_op):
    weights = draw((120, 80), init_op=init_op)
    assert weights.var() == pytest.approx(2 / 200, rel=0.05)
    if init_op == "glorot_uniform":
        assert np.abs(weights).max() <= math.sqrt(6 / 200)


@pytest.mark.parametrize("init_op", ["uniform", "glorot_uniform", "glorot_normal"])
def test_weights_depend_on_the_seed_alone(init_op):
    assert (draw((3, 4), init_op=init_op) == draw((3, 4), init_op=init_op)).all()
    assert (draw((3, 4), init_op=init_op) != draw((3, 4), seed=4, init_op=init_op)).any()


def test_an_id_has_its_row(init):
    embedding = Embedding(6, 3, init, "embedding")
    ids = np.array([[5, 0], [5, 2]], np.int32)
    assert (embedding(ids).numpy() == embedding.table.numpy()[ids]).all()


# The two forms that tensorflow/nmt reads; word2vec's has a first line.
GLOVE = "some_word 1.0 2.0 3.0 4.0\nsome_other_word 4.0 3.0 2.0 1.0\n"
WORD2VEC = "2 4\n" + GLOVE


def vectors_of(tmp_path, text, *tokens):
    path = tmp_path / "embed.req"
    path.write_text(text, encoding="utf-8")
    return read_vectors(path, Vocab([*SPECIALS, *tokens]))


@pytest.mark.parametrize("text", [GLOVE, WORD2VEC])
def test_tokens_have_the_vectors_of_the_file(tmp_path, text):
    vectors = vectors_of(tmp_path, text, "some_other_word", "some_word")
    assert vectors.fixed.tolist() == [[4, 3, 2, 1], [1, 2, 3, 4]]
    assert vectors.fixed.dtype == "float32"
    assert vectors.places.tolist() == [0, 1, 2, 3, 4]


def test_specials_and_tokens_that_the_file_lacks_are_learned(tmp_path):
    vectors = vectors_of(tmp_path, "</s> 9 9\nb 1 2\nelsewhere 3 4\n", "a", "b", "c")
    assert vectors.fixed.tolist() == [[1, 2]]
    assert vectors.places.tolist() == [0, 1, 2, 3, 5, 4]


def test_a_pretrained_embedding_learns_only_what_is_not_given(tmp_path, init):
    vectors = vectors_of(tmp_path, "a 1 2\nc 3 4\n", "a", "b", "c")
    embedding = PretrainedEmbedding(vectors, init, "embedding")
    rows = embedding(np.array([[3, 5], [4, 1]], np.int32)).numpy()
    assert rows[0].tolist() == [[1, 2], [3, 4]]
    assert (rows[1] == embedding.learned.numpy()[[3, 1]]).all()
    assert embedding.size == 2
    assert [variable.shape for variable in embedding.trainable_variables] == [(4, 2)]


def test_gradients_reach_the_learned_rows(tmp_path, init):
    embedding = PretrainedEmbedding(vectors_of(tmp_path, "a 1 2\n", "a", "b"), init, "embedding")
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(embedding(tf.constant([3, 4, 4, 0])))
    gradient = tf.convert_to_tensor(tape.gradient(total, embedding.learned))
    assert gradient.numpy().tolist() == [[1, 1], [0, 0], [0, 0], [2, 2]]


def test_lines_of_another_length_are_passed_over_and_the_last_of_two_counts(tmp_path):
    vectors = vectors_of(tmp_path, "a 1 2\nb 1 2 3\nb 1\na 5 6 \n\n", "a", "b")
    assert vectors.fixed.tolist() == [[5, 6]]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x 1 2\n", "has no vector for any token of the vocabulary: check --embed_prefix"),
        ("", "has no vector for any token"),
        ("a 1 two\n", "is no file of vectors, a token and its numbers a line: .*'two'"),
        ("many words\na 1 2\n", "is no file of vectors"),
    ],
)
def test_a_file_without_usable_vectors_is_refused(tmp_path, text, complaint):
    with pytest.raises(NmtError, match=rf"embed\.req.*{complaint}"):
        vectors_of(tmp_path, text, "a")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NmtError, match=r"can't read .*embed\.rep: .*check --embed_prefix"):
        read_vectors(tmp_path / "embed.rep", Vocab(SPECIALS))


def test_blank_vectors_have_the_shape_that_a_checkpoint_fills(init):
    embedding = PretrainedEmbedding(Vectors.blank(vocab_size=7, fixed=4, size=2), init, "embedding")
    assert [variable.shape for variable in embedding.variables] == [(4, 2), (3, 2), (7,)]


@pytest.fixture
def spelling(init):
    return SpellingEmbedding(3, init, "spelling")


def test_a_spelt_tokens_row_is_that_of_its_largest_filter_values(spelling):
    [ids] = ByteVocab().ids(["ab"])
    letters = np.zeros((9, SpellingEmbedding.SIZE))
    letters[:4] = spelling.letters.numpy()[ids[:4]]  # begin, a, b, end; beyond it there is nothing
    found = []
    for width, kernel, bias in zip(spelling.FILTERS, spelling.kernels, spelling.biases, strict=True):
        windows = np.stack([letters[i : i + width].reshape(-1) for i in range(4)])
        found.append((windows @ kernel.numpy() + bias.numpy()).max(0))
    expected = np.tanh(np.concatenate(found)) @ spelling.projection.numpy()
    assert spelling(ids[np.newaxis]).numpy() == pytest.approx(expected[np.newaxis], rel=1e-4, abs=1e-5)


def test_a_spelt_token_is_the_same_beside_longer_ones_and_padding(spelling):
    ids = ByteVocab().ids(["ab", "much_longer"])
    alone = spelling(ids[np.newaxis, :1]).numpy()
    padding = np.full((1, 50), ByteVocab.FILL, np.int32)
    beside = spelling(np.stack([ids, np.concatenate([ids[:1], padding])])).numpy()
    assert beside.shape == (2, 2, 3)
    assert beside[:, 0] == pytest.approx(np.concatenate([alone[0], alone[0]]), rel=1e-5)
    assert np.isfinite(beside).all()
