"""The pipeline with an engine that trains nothing: what a run leaves behind."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.corpus import CorpusSettings, Pair
from core.evolve import EvolveSettings, Progress
from tests.core.evolve.fake_engine import PAIRS, FakeEngine

ROOT = Path(__file__).parents[3]


def everything_in(directory):
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*")} if directory.exists() else set()


def test_a_run_is_published_with_all_its_files_and_true_sums(run, registry):
    summary = run()
    live = registry.current()
    assert live.name == summary.run
    assert summary.published
    registry.verify(live)
    sides = {f"{name}.{side}" for name in ("train", "dev", "test", "vocab") for side in ("req", "rep")}
    model = {"model", *(f"model/{name}" for name in ("hparams.json", "vocab.rep", "vocab.req", "weights"))}
    others = {"train.hyp", "test.hyp", "train.log", "receipt.json", "manifest.json", "progress.jsonl"}
    assert everything_in(live.path) == sides | others | model


def test_the_summary_tells_scores_and_what_was_left_out(run):
    summary = run()
    assert summary.scores.uptake == 1
    assert summary.scores.trained_questions == 3
    assert summary.scores.heldout_bleu is None
    assert (summary.reviewed, summary.learned) == (2, 2)
    assert summary.report.seen == 4
    assert summary.report.used == 3
    assert set(summary.seconds) == {"corpus", "train", "evaluate", "publish"}


def test_a_run_that_learned_too_little_is_kept_as_rejected_and_its_receipt_says_what(run, registry):
    first = run(PAIRS[:1])
    summary = run(runner=FakeEngine(forgets="이름"))
    assert (summary.status, summary.published, summary.reviewed, summary.learned) == ("rejected", False, 2, 1)
    assert registry.current().name == first.run
    kept = registry.get(summary.run)
    assert kept.rejected
    failed = [bar["name"] for bar in kept.manifest.gate["bars"] if not bar["passed"]]
    assert failed == ["learned"]
    receipt = json.loads((kept.path / "receipt.json").read_text(encoding="utf-8"))
    assert receipt["corrections"][0] == {
        "row": 2,
        "question": "이름이 뭐야?",
        "answer": "저는 자람이에요.",
        "before": None,
        "given": "",
        "learned": False,
    }
    assert summary.scores.uptake == pytest.approx(2 / 3)


def test_a_rejected_run_is_made_live_by_force_and_noted_so(run, registry, settings):
    run(PAIRS[:1])
    forced = run(runner=FakeEngine(forgets="이름"), settings=replace(settings, force=True, by="minji"))
    assert forced.published
    assert registry.current().manifest.gate["forced"] is True
    assert [(p.by, p.reason) for p in registry.publications()] == [("", "makedata"), ("minji", "force")]


class Meanwhile(FakeEngine):
    """Somebody rolls back while it trains."""

    def __init__(self, registry):
        super().__init__()
        self._registry = registry

    def _train(self, call, on_wait):
        super()._train(call, on_wait)
        self._registry.rollback(by="minji")


def test_a_rollback_during_a_run_outlasts_it(run, registry):
    first, second = run(), run()
    summary = run(runner=Meanwhile(registry))
    assert (summary.status, summary.published, summary.parent) == ("overtaken", False, second.run)
    assert registry.current().name == first.run
    assert not registry.get(summary.run).rejected


def test_force_goes_live_over_what_came_meanwhile(run, registry, settings):
    run()
    run()
    summary = run(runner=Meanwhile(registry), settings=replace(settings, force=True))
    assert summary.published
    assert registry.current().name == summary.run


def test_the_manifest_says_where_the_run_comes_from_and_holds_no_absolute_path(run, registry):
    first, second = run(), run()
    manifest = registry.get(second.run).manifest
    assert manifest.parent == first.run == second.parent
    assert manifest.hparams == json.loads((registry.get(second.run).model_dir / "hparams.json").read_text("utf-8"))
    assert manifest.hparams["num_units"] == 256
    assert manifest.metrics["uptake"] == 1
    assert manifest.corpus["train"] == 3
    assert len(manifest.corpus["hash"]) == 64
    assert manifest.packages["numpy"]
    assert set(manifest.seconds) == {"corpus", "train", "evaluate"}
    for path in registry.get(second.run).path.rglob("*.*"):
        assert str(registry.data_dir) not in path.read_text(encoding="utf-8")


def test_bulk_questions_are_held_out_and_scored_apart(run, registry, settings):
    bulk = [Pair(f"{word}{n} 뭐야?", f"{word}{n} 이에요.", bulk=True) for word in "가나다라마" for n in range(20)]
    held = EvolveSettings(
        analyser="mecab", min_free_bytes=0, corpus=CorpusSettings(min_bulk=10, test_share=0.2, dev_share=0.1)
    )
    engine = FakeEngine()
    summary = run(PAIRS + bulk, runner=engine, settings=held)
    assert summary.scores.heldout_pairs == summary.report.test > 0
    assert summary.scores.uptake == 1
    assert summary.scores.heldout_bleu < 50
    assert summary.scores.heldout_chrf is not None
    assert engine.calls[0].flags["dev_prefix"] == "dev"
    hyp = (registry.current().path / "test.hyp").read_text(encoding="utf-8").splitlines()
    assert hyp == ["▁글쎄"] * summary.report.test


def test_without_held_out_questions_the_engine_gets_no_dev_set(run):
    engine = FakeEngine()
    run(runner=engine)
    assert "dev_prefix" not in engine.calls[0].flags


def test_progress_goes_through_the_phases_and_carries_the_engines_numbers(run):
    told = []
    run(on_progress=told.append)
    assert list(dict.fromkeys(progress.phase for progress in told)) == ["corpus", "train", "evaluate", "publish"]
    assert Progress("train", 5, told[1].total, 1.5, 9.0, 2.0) in told
    assert Progress("evaluate", 3, 3) in told


def test_what_was_found_in_the_data_is_kept_and_compared_with_the_live_model(run, registry):
    first = run()
    kept = registry.current().manifest.validation
    assert kept == json.loads(json.dumps(first.validation.to_dict()))
    assert {"code": "empty_sides", "rows": [4]}.items() <= kept["findings"][0].items()
    assert not any(finding.code.endswith("drift") for finding in first.validation.findings)
    drift = [finding for finding in run(dry_run=True).validation.findings if finding.code == "question_length_drift"]
    assert [finding.value for finding in drift] == [0]


def test_a_dry_run_reports_and_writes_nothing(run, registry):
    engine = FakeEngine()
    summary = run(runner=engine, dry_run=True)
    assert summary.report.used == 3
    assert (summary.run, summary.published, summary.scores) == (None, False, None)
    assert engine.calls == []
    assert everything_in(registry.data_dir) == set()


def test_a_run_that_is_not_to_be_published_is_kept_beside_the_live_one(run, registry):
    first = run()
    second = run(publish=False)
    assert not second.published
    assert registry.current().name == first.run
    assert [kept.name for kept in registry.runs()] == sorted([first.run, second.run])


def test_a_damaged_live_model_does_not_stop_evolving(run, registry, caplog):
    first = run()
    shutil.rmtree(registry.get(first.run).path)
    second = run()
    assert second.parent is None
    assert registry.current().name == second.run
    assert first.run in caplog.text


@pytest.mark.slow
def test_importing_it_loads_no_tensorflow():
    code = "import sys, core.evolve; print('tensorflow' in sys.modules, 'sacrebleu' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
