"""Training towards answers: what batches hold, what asking finds, and when training may end."""

import json
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.__main__ import main
from core.nmt.dataset import read_corpus
from core.nmt.goals import Check, Goals
from core.nmt.hparams import HParams
from core.nmt.model import Seq2Seq
from core.nmt.ranking import Ranked
from core.nmt.search import Ends
from core.nmt.target_tree import TargetTree
from core.nmt.vocab import EOS_ID, SPECIALS, Vocab

TOKENS = [*"가나다라마바사아자차"]
VOCAB = Vocab([*SPECIALS, *TOKENS])
HPARAMS = HParams(num_units=4, num_layers=1, attention="luong", batch_size=8, tgt_max_len_infer=5)


def write(directory, prefix, pairs):
    for side, lines in zip(("req", "rep"), zip(*pairs, strict=True), strict=True):
        (directory / f"{prefix}.{side}").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.fixture
def corpora(tmp_path):
    """20 pairs to rehearse, 3 goals and 6 pairs to keep, each told by its length."""
    write(tmp_path, "train", [(token, "가") for token in TOKENS * 2])
    write(tmp_path, "goal", [("가 나", "나 나")] * 3)
    write(tmp_path, "keep", [("다 라 마", "다")] * 6)
    return [read_corpus(tmp_path / name, HPARAMS, VOCAB, VOCAB, training=False) for name in ("train", "goal", "keep")]


@pytest.fixture
def goals(corpora):
    return Goals(Seq2Seq(HPARAMS, len(VOCAB), len(VOCAB)), Ends(1, 2), *corpora)


def answer(goals, row, wrong, score=0.0):
    """The target of a row, or what nobody wrote."""
    ids = [9] if row in wrong else goals._targets[row].tolist()
    return Ranked(ids, score, len(ids) + 1, score)


def answering(goals, monkeypatch, wrong):
    """Let everything be answered right but for the rows that `wrong` says at the moment."""
    monkeypatch.setattr(goals, "_unsure", lambda rows: rows)
    monkeypatch.setattr(goals, "_answers", lambda rows, _: {row: answer(goals, row, wrong()) for row in rows})


def test_a_batch_is_goals_in_part_and_rehearsal_for_the_rest(goals):
    for batch in islice(goals.batches(0, HPARAMS, share=0.25), 9):
        lengths = batch[1].tolist()
        assert lengths.count(2) == 2
        assert lengths.count(1) == len(lengths) - 2


def test_the_same_step_gives_the_same_batch(goals):
    first, again = (list(islice(goals.batches(start, HPARAMS, 0.25), 8 - start)) for start in (0, 3))
    for one, other in zip(first[3:], again, strict=True):
        for ours, theirs in zip(one, other, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_what_is_to_be_kept_is_asked_once_all_goals_are_reached(goals, monkeypatch):
    missed = {20, 21}
    answering(goals, monkeypatch, lambda: missed | {25})
    assert goals.check(0.0) == Check(learned=1, goals=3, lost=None, kept=6)
    missed.clear()
    check = goals.check(0.0)
    assert check == Check(learned=3, goals=3, lost=1, kept=6)
    assert not goals.reached(check, 0.0)
    assert goals.reached(check, 0.2)


@pytest.mark.parametrize(("share", "members", "to_ask"), [(0.0, 1, [2]), (0.75, 1, [1, 2]), (0.0, 2, [1, 2])])
def test_with_further_readings_what_is_right_but_not_likely_is_left_to_be_asked(
    corpora, monkeypatch, share, members, to_ask
):
    """A goal counts once both ways of asking have it right; of what is to be kept the whole question alone is asked."""
    hparams = replace(HPARAMS, infer_mode="beam_search", beam_width=2, leave_one_out=share, members=members)
    tree = TargetTree([[3], [4, 4]], EOS_ID)
    goals = Goals(Seq2Seq(hparams, len(VOCAB), len(VOCAB)), Ends(1, 2), *corpora, tree=tree)
    asked = []

    def answers(rows, hparams):
        if rows:
            asked.append((hparams.leave_one_out, hparams.members, list(rows)))
        scores = {20: -0.6, 26: -0.6}  # e^-0.69 is a half
        again = hparams.leave_one_out > 0 or hparams.members > 1
        return {row: answer(goals, row, {22} if again else {25}, scores.get(row, -0.8)) for row in rows}

    monkeypatch.setattr(goals, "_unsure", lambda rows: rows[1:4])  # 24 to 26
    monkeypatch.setattr(goals, "_answers", answers)
    check = goals.check(0.5, survey=True)
    again = [(share, members, [21, 22])] if share or members > 1 else []
    assert asked == [(0.0, 1, [20, 21, 22]), *again, (0.0, 1, [24, 25, 26])]
    assert check == Check(learned=2 if again else 3, goals=3, lost=1, kept=6)
    assert goals.lost() == to_ask


def test_what_was_lost_is_trained_as_a_goal_and_asked_until_it_is_back(goals, monkeypatch):
    lost = {25}
    answering(goals, monkeypatch, lambda: lost)
    goals.check(0.0)
    lengths = [length for batch in islice(goals.batches(0, HPARAMS, 0.5), 4) for length in batch[1].tolist()]
    assert lengths.count(3) > 0
    assert goals.check(0.0).lost is None  # known to be lost still: nothing else is asked
    lost.clear()
    assert goals.check(0.0) == Check(learned=3, goals=3, lost=0, kept=6)


def test_what_is_to_be_kept_is_asked_now_and_then_though_a_goal_is_never_reached(goals, monkeypatch):
    answering(goals, monkeypatch, lambda: {20})
    assert [goals.check(0.0).lost for _ in range(6)] == [None] * 4 + [0, None]
    assert goals.check(0.0, survey=True).lost == 0


def test_more_goals_are_better_and_then_fewer_losses():
    assert Check(3, 3, 9, 10).rank > Check(2, 3, 0, 10).rank
    assert Check(3, 3, 1, 10).rank > Check(3, 3, 2, 10).rank


@pytest.mark.usefixtures("eagerly")
def test_the_probability_of_a_sentence_is_that_of_its_tokens_and_its_end(goals):
    found = goals._log_probs(*map(tf.constant, next(goals.batches(0, HPARAMS, 0.25)))).numpy()
    assert found.shape == (8,)
    # Weights are small at first, so that every token is about as likely as every other.
    tokens = np.array([2] * 6 + [3] * 2)
    np.testing.assert_allclose(found / tokens, -np.log(len(VOCAB)), rtol=0.1)


def test_what_is_surely_said_need_not_be_asked_unless_the_tree_or_the_bounds_leave_it_out(tmp_path, monkeypatch):
    pairs = [("가", "나"), ("가 나", "나 다"), ("나", "다"), ("다", "가 가 가 가 가 가"), ("가 나 다", "나")]
    write(tmp_path, "keep", pairs)
    corpus = read_corpus(tmp_path / "keep", HPARAMS, VOCAB, VOCAB, training=False)
    hparams = replace(HPARAMS, src_max_len_infer=2)
    model, tree = (
        Seq2Seq(hparams, len(VOCAB), len(VOCAB)),
        TargetTree([VOCAB.numbers(["나"]), VOCAB.numbers(["가"] * 6)], EOS_ID),
    )
    keep = np.arange(5) + 10
    # All are said to be as good as certain, but for one that has a third of the probability.
    monkeypatch.setattr(Goals, "_sentence_log_probs", lambda _, *batch: tf.where(batch[1] == 2, -1.1, -1e-3))
    for known, asked in ((None, {11, 13, 14}), (tree, {11, 12, 14})):
        goals = Goals(model, Ends(1, 2), corpus, corpus, corpus, known)
        assert set(goals._unsure(keep).tolist()) == asked
        assert set(goals._unsure(keep[:2]).tolist()) == {11}


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize(("log_prob", "asked"), [(-0.28, []), (-1.1, [5])])
def test_what_the_first_is_sure_of_is_asked_of_no_other_member(tmp_path, monkeypatch, members, log_prob, asked):
    """It is sure of what has three quarters of the probability, and not of what has a third."""
    write(tmp_path, "keep", [("가", "나"), ("가 나", "다")])
    hparams = replace(HPARAMS, infer_mode="beam_search", beam_width=2, members=members)
    corpus = read_corpus(tmp_path / "keep", hparams, VOCAB, VOCAB, training=False)
    model, tree = (
        Seq2Seq(hparams, len(VOCAB), len(VOCAB)),
        TargetTree([VOCAB.numbers(["나"]), VOCAB.numbers(["다"])], EOS_ID),
    )
    monkeypatch.setattr(Goals, "_sentence_log_probs", lambda _, *batch: tf.where(batch[1] == 2, log_prob, -0.01))
    goals = Goals(model, Ends(1, 2), *[corpus] * 3, tree)
    assert goals._unsure(np.arange(2) + 4).tolist() == asked


@pytest.mark.parametrize("flags", [{}, {"unit_type": "gru"}], ids=["quick", "slow"])
def test_both_ways_of_asking_are_asked_as_often_as_needed(corpora, monkeypatch, flags):
    """Weights as they begin know nothing: all is in doubt, but for what has no answer and what is too short."""
    shape = {"infer_mode": "beam_search", "beam_width": 2, "leave_one_out": 0.75, **flags}
    tree = TargetTree([[4, 4], [3], [5]], EOS_ID)
    goals = Goals(Seq2Seq(replace(HPARAMS, **shape), len(VOCAB), len(VOCAB)), Ends(1, 2), *corpora, tree=tree)
    asked = []
    ask = goals._answers
    monkeypatch.setattr(goals, "_answers", lambda rows, hparams: asked.append((hparams, rows)) or ask(rows, hparams))
    goals.check(1.0, survey=True)
    (_, first), (again, second), (once, kept) = asked
    assert first == [20, 21, 22]
    assert set(second) <= set(first)
    assert (again.leave_one_out, once.leave_one_out) == (0.75, 0.0)
    assert kept == [23, 24, 25, 26, 27, 28]
    single = ask([0, 1], goals._hparams)  # one token
    assert goals._doubted(single) == set()
    assert goals._doubted(ask(kept, goals._once)) == set(kept)
    assert goals._answers([], goals._once) == {}


@pytest.mark.slow
def test_a_new_goal_is_learned_from_another_models_weights_and_training_ends_then(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known = [(f"{a} {b}", f"{b} {a} {a}") for a in TOKENS[:4] for b in TOKENS[4:]]
    write(tmp_path, "old", known)
    VOCAB.save(tmp_path / "vocab.req")
    VOCAB.save(tmp_path / "vocab.rep")
    shape = ["--num_units=32", "--num_layers=1", "--attention=scaled_luong", "--vocab_prefix=vocab"]
    learning = ["--optimizer=adam", "--learning_rate=0.01", "--dropout=0", "--batch_size=12", "--tgt_max_len_infer=6"]
    assert main([*shape, *learning, "--train_prefix=old", "--out_dir=old", "--num_train_steps=300"]) == 0
    grown = Vocab([*SPECIALS, *TOKENS, "카"])
    for side in ("req", "rep"):
        grown.save(tmp_path / f"vocab.{side}")
    corrected = [(known[0][0], "차 카"), ("카 카", "카 가 카")]
    write(tmp_path, "new", [*known[1:], *corrected])
    write(tmp_path, "goal", corrected)
    write(tmp_path, "keep", known[1:])
    towards = ["--init_from=old", "--goal_prefix=goal", "--keep_prefix=keep", "--steps_per_goal_check=10"]
    there = ["--train_prefix=new", "--out_dir=new", "--num_train_steps=400", "--progress_file=progress.jsonl"]
    assert main([*shape, *learning, *towards, *there]) == 0
    events = [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {name: events[-1][name] for name in ("phase", "goals", "learned", "lost", "kept")} == {
        "phase": "done",
        "goals": 2,
        "learned": 2,
        "lost": 0,
        "kept": len(known) - 1,
    }
    assert events[-1]["step"] < 400
    write(tmp_path, "asked", [*known[1:], *corrected])
    assert main(["--out_dir=new", "--inference_input_file=asked.req", "--inference_output_file=said"]) == 0
    assert (tmp_path / "said").read_text(encoding="utf-8") == (tmp_path / "asked.rep").read_text(encoding="utf-8")
