"""Given answers scored by NumPy, held to TensorFlow's way over the same weights."""

import numpy as np
import pytest

from core.nmt.decoding import Decoder
from core.nmt.model import Seq2Seq
from core.nmt.numpy_model import NumpyModel
from core.nmt.numpy_scoring import score_answers
from core.nmt.target_tree import TargetTree
from tests.core.nmt.random_sentences import ENDS, HPARAMS, VOCAB, sentences

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def model():
    return Seq2Seq(HPARAMS, VOCAB, VOCAB)


SOURCES = [np.array(source, np.int32) for source in sentences(1, 4)]
# So many for each source; the last is nothing but its end.
ANSWERS = [sentences(2, 3), [], sentences(3, 1), [*sentences(4, 4), []]]


def test_it_is_what_teacher_forcing_in_tensorflow_says(model):
    quick, slow = (Decoder(model, HPARAMS, ENDS, frozen=frozen) for frozen in (True, False))
    assert quick.is_quick
    assert not slow.is_quick
    found, expected = quick.score(SOURCES, ANSWERS), slow.score(SOURCES, ANSWERS)
    assert [len(scores) for scores in found] == [3, 0, 1, 5]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4)


def test_an_answer_scores_the_same_alone(model):
    numpy_model = NumpyModel(model)
    together = score_answers(numpy_model, SOURCES, ANSWERS, ENDS)
    [[alone]] = score_answers(numpy_model, SOURCES[3:], [ANSWERS[3][1:2]], ENDS)
    assert alone == pytest.approx(together[3][1], rel=1e-4)


def test_nothing_to_score_gives_no_scores(model):
    assert score_answers(NumpyModel(model), SOURCES[:2], [[], []], ENDS) == [[], []]


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
        assert sums == pytest.approx(decoder.score([source], [[one.ids for one in some]])[0], rel=1e-4)


def test_with_as_many_beams_as_sentences_the_n_best_are_the_n_likeliest(model):
    known = sentences(6, 8)
    hparams = HPARAMS.updated({"beam_width": 8, "infer_mode": "beam_search"})
    decoder = Decoder(model, hparams, ENDS, frozen=True, tree=TargetTree(known, ENDS.eos_id))
    [scores] = decoder.score(SOURCES[:1], [known])
    likeliest = [known[i] for i in np.argsort(scores)[::-1][:3]]
    [found] = decoder.decode_some(SOURCES[:1], 3)
    assert [one.ids for one in found] == likeliest
