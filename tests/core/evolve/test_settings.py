"""Flags for the engine: what is worked out from the corpus, and what wins."""

import pytest

from core.corpus import Corpus, CorpusSettings, Example, Pair
from core.evolve import EvolveError, EvolveSettings
from core.nmt.hparams import HParams


def corpus(pairs=100, source=3, target=7):
    example = Example(["▁가"] * source, ["▁나"] * target, Pair("가", "나"))
    return Corpus([example] * pairs, [], [], [], [], report=None)


def test_an_answer_may_be_as_long_as_the_longest_that_is_learned():
    flags = EvolveSettings(engine={}).training_flags(corpus(target=7))
    assert flags["tgt_max_len"] == 7
    assert flags["tgt_max_len_infer"] == 8  # and its end


def test_steps_follow_the_size_of_the_corpus():
    settings = EvolveSettings(engine={"batch_size": 10}, epochs=5, min_steps=20)
    assert settings.training_flags(corpus(pairs=101))["num_train_steps"] == 55
    assert settings.training_flags(corpus(pairs=1))["num_train_steps"] == 20


def test_flags_that_are_set_win():
    settings = EvolveSettings(engine={"num_train_steps": 3, "tgt_max_len_infer": 99, "num_intra_threads": 5}, threads=1)
    flags = settings.training_flags(corpus())
    assert (flags["num_train_steps"], flags["tgt_max_len_infer"], flags["num_intra_threads"]) == (3, 99, 5)


@pytest.mark.parametrize(
    ("flags", "members"),
    [({}, 2), ({"known_targets": False}, 1), ({"beam_width": 1}, 1), ({"infer_mode": "greedy", "beam_width": 0}, 1)],
)
def test_no_member_is_trained_that_would_never_be_asked(flags, members):
    settings = EvolveSettings(engine={**EvolveSettings().engine, **flags})
    assert settings.hparams.members == settings.training_flags(corpus())["members"] == members


def test_threads_are_limited_only_when_asked():
    assert EvolveSettings().thread_flags() == {}
    assert EvolveSettings(threads=1).thread_flags() == {"num_intra_threads": 1, "num_inter_threads": 1}


@pytest.mark.parametrize("threads", [None, 2])
def test_the_engine_knows_every_default_flag(threads):
    flags = EvolveSettings(threads=threads, corpus=CorpusSettings()).training_flags(corpus())
    assert HParams.from_values(flags).num_train_steps == flags["num_train_steps"]


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"num_unit": 8}, "num_units"),
        ({"batch_size": "many"}, "batch_size is 'many'"),
        ({"attention": "bahdanu"}, "bahdanau"),
        ({"dropout": 1.5}, "below 1"),
    ],
)
def test_a_flag_that_the_engine_cannot_take_is_refused_before_anything_is_done(flags, reason):
    with pytest.raises(EvolveError, match=reason):
        EvolveSettings(engine=flags)
