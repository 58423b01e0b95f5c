"""The bars of the gate: where each lies, and what is said when it is not cleared."""

import dataclasses
import json
import math

import numpy as np
import pytest

from core.corpus import Reason, UnheldCanary
from core.evolve import EvolveError
from core.evolve.gate import Bar, GateResult, GateSettings, judge, may_lose
from core.evolve.receipt import Canary, Correction, Receipt
from core.evolve.trial import Trial

GOOD = Trial(asked=20, agreed=20)
LIKE_BEFORE = [(50.0, 50.0)] * 30


def receipt(learned=50, of=50, earlier=1000, lost=0, parent="run-1", canaries=(), unheld=()):
    corrections = tuple(Correction(n, f"질문 {n}", "네", None, "네", n < learned) for n in range(of))
    return Receipt("run-2", parent, corrections, (), tuple(canaries), tuple(unheld), earlier, lost)


def bar(name, receipt=receipt(), unseen=LIKE_BEFORE, trial=GOOD, settings=GateSettings()):  # noqa: B008
    return {bar.name: bar for bar in judge(receipt, unseen, trial, settings).bars}[name]


def test_a_version_that_clears_every_bar_passes():
    result = judge(receipt(), LIKE_BEFORE, GOOD, GateSettings())
    assert result.passed
    assert not result.forced
    assert result.failures == []
    assert [bar.name for bar in result.bars] == ["loads", "learned", "lost", "unseen", "canaries"]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"receipt": receipt(learned=46)}, "learned"),
        ({"receipt": receipt(lost=11)}, "lost"),
        ({"unseen": [(40.0, 50.0)] * 30}, "unseen"),
        ({"receipt": receipt(canaries=[Canary(1, "가", "나", "다", False)])}, "canaries"),
        ({"trial": Trial(failure="the engine failed: no weights")}, "loads"),
    ],
)
def test_one_bar_that_is_not_cleared_is_enough(changes, name):
    arguments = {"receipt": receipt(), "unseen": LIKE_BEFORE, "trial": GOOD, "settings": GateSettings()} | changes
    result = judge(**arguments)
    assert not result.passed
    assert [bar.name for bar in result.bars if not bar.passed] == [name]
    forced = judge(**arguments, force=True)
    assert (forced.passed, forced.forced) == (False, True)


def test_what_passes_needs_no_force():
    assert not judge(receipt(), LIKE_BEFORE, GOOD, GateSettings(), force=True).forced


class TestLearned:
    @pytest.mark.parametrize(
        ("learned", "of", "limit", "passed"),
        [(19, 20, 0.95, True), (18, 20, 0.95, False), (57, 60, 0.95, True), (48, 50, 0.95, True), (0, 7, 0.0, True)],
    )
    def test_the_share_itself_is_enough(self, learned, of, limit, passed):
        assert bar("learned", receipt(learned, of), settings=GateSettings(min_learned=limit)).passed == passed

    def test_says_how_many_are_missing(self):
        found = bar("learned", receipt(46, 50))
        text = "learned 46 of 50 corrections (92.0%), needs 95%: 2 too few"
        figures = {"learned": 46, "total": 50, "missing": 2}
        assert found == Bar("learned", False, 0.92, 0.95, text, figures=figures)

    def test_nothing_corrected_is_nothing_to_learn(self):
        found = bar("learned", receipt(0, 0))
        assert (found.passed, found.value) == (True, None)

    def test_without_a_parent_it_is_of_what_was_reviewed(self):
        assert bar("learned", receipt(5, 5, parent=None)).text == "learned 5 of 5 reviewed pairs (100.0%), needs 95%"


class TestLost:
    @pytest.mark.parametrize(("lost", "passed"), [(0, True), (10, True), (11, False)])
    def test_the_share_itself_may_be_lost(self, lost, passed):
        assert bar("lost", receipt(lost=lost)).passed == passed

    def test_says_how_many_are_too_many(self):
        text = bar("lost", receipt(earlier=10400, lost=120)).text
        assert text == "lost 120 of 10,400 earlier answers (1.15%), may lose 1%, of so many 104: 16 too many"

    @pytest.mark.parametrize(
        ("earlier", "allowed"),
        [(1, 0), (21, 0), (22, 1), (50, 1), (100, 1), (107, 2), (199, 2), (300, 3), (1000, 10), (1_000_000, 10_000)],
    )
    def test_of_few_answers_a_little_more_than_the_share_may_be_lost(self, earlier, allowed):
        assert may_lose(earlier, 0.01) == allowed
        assert bar("lost", receipt(earlier=earlier, lost=allowed)).passed
        assert not bar("lost", receipt(earlier=earlier, lost=allowed + 1)).passed

    @pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
    def test_a_good_version_is_seldom_turned_away_however_few_its_answers_are(self, share):
        """One that in truth loses half of what it may: by drawing, where `may_lose` counts."""
        random = np.random.default_rng(3)
        for earlier in (5, 20, 50, 99, 100, 150, 199, 250, 400, 1000):
            lost = random.binomial(earlier, share / 2, size=4000)
            assert np.mean(lost > may_lose(earlier, share)) <= 0.1 + 0.015
            # The share alone turned away up to 39 % of them.
            assert may_lose(earlier, share) <= math.floor(share * earlier) + 1

    def test_where_nothing_may_be_lost_nothing_is_let_go(self):
        assert may_lose(50, 0.0) == 0
        assert not bar("lost", receipt(earlier=50, lost=1), settings=GateSettings(max_lost=0.0)).passed

    def test_without_a_parent_nothing_is_lost(self):
        found = bar("lost", receipt(earlier=0, parent=None))
        assert (found.passed, found.value) == (True, None)
        assert found.text == "no earlier answers to lose: no model is live"


class TestUnseen:
    def test_a_little_worse_is_noise(self):
        scores = [(50.0 + n % 7, 50.3 + n * 3 % 7) for n in range(70)]
        found = bar("unseen", unseen=scores)
        assert found.passed
        assert 0.5 < found.value < 0.99

    def test_surely_worse_is_told_with_both_scores(self):
        found = bar("unseen", unseen=[(40.0 + n % 3, 42.0 + n % 3) for n in range(30)])
        assert not found.passed
        assert found.text == (
            "scores chrF 41.0 on 30 unseen questions, the live model 43.0: luck alone makes an equal model as bad with "
            "probability 0.0001, needs more than 0.01: 2.0 points worse"
        )
        assert found.figures == {"questions": 30, "chrf": 41.0, "before": 43.0, "chance": pytest.approx(1 / 10_001)}

    def test_better_passes(self):
        assert bar("unseen", unseen=[(50.0, 40.0)] * 30).value == 0

    def test_few_answers_that_differ_are_no_proof(self):
        """As after a warm start: three of three hundred became worse, which is a coin that fell three times alike."""
        assert bar("unseen", unseen=[(50.0, 50.0)] * 297 + [(0.0, 100.0)] * 3).passed
        assert not bar("unseen", unseen=[(50.0, 50.0)] * 293 + [(0.0, 100.0)] * 7).passed

    def test_few_questions_say_nothing(self):
        found = bar("unseen", unseen=[(0.0, 100.0)] * 19)
        assert (found.passed, found.value) == (True, None)
        assert "19 that neither model was trained on, needs 20" in found.text

    def test_without_a_parent_it_says_so(self):
        assert bar("unseen", receipt(parent=None), unseen=[]).text.endswith("not compared: no model is live")


class TestCanaries:
    def test_every_one_must_hold(self):
        canaries = [Canary(n, f"질문 {n}", "네", "아니요", n > 4) for n in range(9)]
        found = bar("canaries", receipt(canaries=canaries))
        assert not found.passed
        assert found.text == (
            "4 of 9 answers that must always hold do, needs all: not 질문 0 (answered: 아니요), "
            "질문 1 (answered: 아니요), 질문 2 (answered: 아니요) and 2 more"
        )

    def test_one_that_is_not_learned_fails_nothing_and_is_named(self):
        unheld = UnheldCanary("가", "나", 3, Reason.SUPERSEDED)
        found = bar("canaries", receipt(unheld=[unheld]))
        assert found.passed
        assert found.text == "no answers that must always hold; 1 more not learned, and so not asked"


class TestLoads:
    def test_other_answers_than_before_fail(self):
        found = bar("loads", trial=Trial(asked=20, agreed=18))
        assert not found.passed
        assert found.text.endswith("answers 18 of 20 questions as before, needs all: 2 too few")

    def test_no_right_answer_at_all_fails(self):
        assert not bar("loads", trial=Trial()).passed


def test_a_result_is_read_as_it_was_written():
    result = judge(receipt(46, 50), LIKE_BEFORE, GOOD, GateSettings(), force=True)
    assert GateResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_results_from_before_there_were_figures_and_from_later_versions_are_read():
    old = {"name": "lost", "passed": True, "value": 0.001, "limit": 0.01, "text": "lost 1 of 1,000"}
    result = GateResult.from_dict({"passed": True, "forced": False, "bars": [old, old | {"colour": "blue"}]})
    assert result.bars == (Bar("lost", True, 0.001, 0.01, "lost 1 of 1,000"),) * 2


@pytest.mark.parametrize("data", [{}, {"passed": True, "forced": False, "bars": [{"name": "lost"}]}, {"bars": 3}])
def test_what_is_no_result_is_refused(data):
    with pytest.raises(EvolveError, match="no result of the gate"):
        GateResult.from_dict(data)


def test_the_summary_marks_what_failed():
    lines = judge(receipt(46, 50), LIKE_BEFORE, GOOD, GateSettings()).summary()
    assert lines[1].startswith("FAILED  learned 46 of 50")
    assert lines[0].startswith("passed  loads")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_learned", 95),
        ("min_learned", -0.1),
        ("max_lost", 1.5),
        ("confidence", 0.4),
        ("draws", 0),
        ("min_unseen", 0),
        ("max_lost", float("nan")),
    ],
)
def test_senseless_bars_are_refused(name, value):
    with pytest.raises(EvolveError, match=f"the gate's {name} is"):
        dataclasses.replace(GateSettings(), **{name: value})
