"""Models that answer together: how they begin, learn, are kept and taken over, and what they say when in doubt."""

import math
from dataclasses import replace

import numpy as np
import pytest

from core.nmt.checkpoints import Checkpoints, load_model, vocab_paths
from core.nmt.decoding import Decoder
from core.nmt.evaluation import Evaluator
from core.nmt.hparams_file import save_hparams
from core.nmt.inheritance import inherit
from core.nmt.model import Seq2Seq
from core.nmt.optimizers import SGD
from core.nmt.target_tree import TargetTree
from core.nmt.training import train
from core.nmt.vocab import SPECIALS, Vocab
from tests.core.nmt.random_sentences import ENDS, VOCAB, sentences
from tests.core.nmt.random_sentences import HPARAMS as SEARCHED
from tests.core.nmt.training_runs import HPARAMS, weights_at

TWO = replace(HPARAMS, members=2)


def values(model):
    return [variable.numpy() for variable in model.own_variables]


def same(ours, theirs):
    return [np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True)]


def test_each_begins_as_a_model_of_its_own_with_another_seed():
    first, second = Seq2Seq(TWO, 7, 7).members
    assert all(same(values(first), values(Seq2Seq(HPARAMS, 7, 7))))
    assert all(same(values(second), values(Seq2Seq(replace(HPARAMS, random_seed=HPARAMS.random_seed + 1), 7, 7))))
    assert not np.array_equal(first.projection, second.projection)
    assert len(first.trainable_variables) == 2 * len(first.own_variables)


def test_the_last_seed_of_all_does_for_several():
    last, first = Seq2Seq(replace(TWO, random_seed=2**31 - 1), 7, 7).members
    assert (last.hparams.random_seed, first.hparams.random_seed) == (2**31 - 1, 0)


def test_a_model_alone_has_no_others_and_all_variables_are_its_own():
    model = Seq2Seq(HPARAMS, 7, 7)
    assert model.members == [model]
    assert all(a is b for a, b in zip(model.own_variables, model.trainable_variables, strict=True))


def test_all_are_saved_loaded_and_taken_over(tmp_path):
    hparams, vocab = replace(TWO, random_seed=9), Vocab([*SPECIALS, "a", "b"])
    model = Seq2Seq(hparams, 5, 5)
    save_hparams(hparams, tmp_path)
    for path in vocab_paths(tmp_path, hparams):
        vocab.save(path)
    Checkpoints(tmp_path, model, SGD()).save_best({"step": 1})
    loaded, _, _ = load_model(tmp_path)
    child = Seq2Seq(TWO, 6, 6)
    grown = Vocab([*SPECIALS, "a", "b", "c"])
    inherit(child, (grown, grown), tmp_path)
    for ours, theirs, heir in zip(model.members, loaded.members, child.members, strict=True):
        assert all(same(values(ours), values(theirs)))
        np.testing.assert_array_equal(heir.projection[:, :5], ours.projection)


@pytest.mark.slow
def test_the_first_learns_as_if_it_were_alone_and_the_second_beside_it(prefixes, tmp_path):
    data = prefixes("dev", "test")
    for name, hparams in (("both", TWO), ("alone", HPARAMS)):
        train(hparams, data, tmp_path / name, lambda event: None)
    both, *vocabs = load_model(tmp_path / "both")
    first, second = both.members
    assert all(same(values(first), values(load_model(tmp_path / "alone")[0])))
    _, begun = Seq2Seq(TWO, *map(len, vocabs)).members
    assert not any(same(values(second), values(begun)))


@pytest.mark.slow
def test_a_run_that_was_ended_goes_on_with_all_of_them(prefixes, tmp_path):
    data = prefixes("dev", "test")
    for name, steps in (("whole", 4), ("parts", 2), ("parts", 4)):
        train(replace(TWO, num_train_steps=steps), data, tmp_path / name, lambda event: None)
    whole, parts = (weights_at(tmp_path / name, 4) for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


THREE = replace(SEARCHED, members=3, beam_width=4, infer_mode="beam_search", length_penalty_weight=1.0)


@pytest.fixture(scope="module")
def model():
    return Seq2Seq(THREE, VOCAB, VOCAB)


@pytest.mark.usefixtures("eagerly")
class TestInDoubt:
    """Sources that all members read, by both ways of searching."""

    TREE = TargetTree([[token % 5 + 3 for token in sentence] for sentence in sentences(2, 30)], ENDS.eos_id)
    SOURCES = tuple(np.array(source, np.int32) for source in sentences(6, 12))

    @pytest.mark.parametrize("share", [0.0, 0.75])
    def test_both_ways_find_the_same(self, model, share):
        hparams = replace(THREE, leave_one_out=share)
        quick, slow = (Decoder(model, hparams, ENDS, frozen=frozen, tree=self.TREE) for frozen in (True, False))
        assert quick.is_quick
        expected = slow.decode(self.SOURCES)
        for some, ranked in zip(quick.decode_some(self.SOURCES, 4), expected, strict=True):
            assert [one.ids for one in some] == [one.ids for one in ranked]
            assert [one.score for one in some] == pytest.approx([one.score for one in ranked], rel=1e-4)
        best = [ranked[0].ids for ranked in expected]
        assert [one.ids for one in quick.decode_best(self.SOURCES)] == best
        assert best != [one.ids for one in self.alone(model)]

    def test_the_score_is_the_mean_over_the_members(self, model):
        """As many beams as sentences find each of them, so every member has a say about each."""
        tree = TargetTree([[3], [4, 5], [6, 7, 8]], ENDS.eos_id)
        hparams = replace(THREE, beam_width=6)
        found = Decoder(model, hparams, ENDS, frozen=True, tree=tree).decode_some(self.SOURCES, 3)
        each = [
            Decoder(member, replace(hparams, members=1), ENDS, frozen=True, tree=tree).decode(self.SOURCES)
            for member in model.members
        ]
        for some, *members in zip(found, *each, strict=True):
            said = [{tuple(one.ids): math.exp(one.score) for one in ranked} for ranked in members]
            mean = {ids: sum(scores[ids] for scores in said) / 3 for ids in said[0]}
            assert {tuple(one.ids): math.exp(one.score) for one in some} == pytest.approx(mean, rel=1e-4)

    def test_scores_are_of_what_all_say_and_where_it_has_to_be_soon_of_what_the_first_says(self, model):
        vocab = Vocab([*SPECIALS, *map(str, range(3, VOCAB))])
        evaluator = Evaluator(model, vocab, self.TREE)
        together = Decoder(model, THREE, ENDS, frozen=True, tree=self.TREE).decode_best(self.SOURCES)
        for once, best in ((False, together), (True, self.alone(model))):
            expected = [" ".join(vocab.tokens(one.ids)) for one in best]
            assert evaluator.answers(list(self.SOURCES), once=once) == expected

    def test_the_hyperparameters_of_a_search_may_be_for_the_first_alone(self, model):
        alone = Decoder(Seq2Seq(replace(THREE, members=1), VOCAB, VOCAB), THREE, ENDS, tree=self.TREE)
        assert [one.ids for one in self.alone(model)] == [ranked[0].ids for ranked in alone.decode(self.SOURCES)]

    def alone(self, model):
        """The best that the first member finds."""
        hparams = replace(THREE, members=1)
        return Decoder(model, hparams, ENDS, frozen=True, tree=self.TREE).decode_best(self.SOURCES)


def test_every_member_is_compiled_before_the_first_question(model):
    """Where NumPy does not read the weights, as here, each searches by a function of its own."""
    decoder = Decoder(model, THREE, ENDS, tree=TestInDoubt.TREE)
    decoder.warm_up(np.array([3, 4, 5], np.int32))
    assert [one._search.experimental_get_tracing_count() for one in (decoder, *decoder._others)] == [1, 1, 1]
