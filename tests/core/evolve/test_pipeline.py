"""The pipeline with a fake engine: what a run leaves behind, and that failures leave nothing."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from core.corpus import CorpusError, CorpusSettings, Pair
from core.evolve import EvolveError, EvolveSettings, Progress, evolve
from core.evolve.settings import WarmSettings
from core.registry import Registry, RegistryError
from core.text import Tokenizer

ROOT = Path(__file__).parents[3]
PAIRS = [
    Pair("안녕?", "안녕하세요!", row=1),
    Pair("이름이 뭐야?", "저는 자람이에요.", row=2),
    Pair("뭐 해?", "이야기를 기다려요.", bulk=True, row=3),
    Pair("   ", "빈 질문이에요.", row=4),
]


class FakeEngine:
    """Trains by noting the corpus, answers with what it noted, and nothing to questions that hold `forgets`."""

    def __init__(self, forgets=None, fails_at="", error=None, answers=None):
        self.forgets = forgets
        self.fails_at = fails_at
        self.error = error or EvolveError("the engine failed: the loss is nan")
        self.calls = []
        self.answers = answers

    def __call__(self, call, on_wait):
        call.log.write_text(f"$ python -m core.nmt {' '.join(call.arguments)}\n", encoding="utf-8")
        self.calls.append(call)
        phase = "reply" if call.module == "core.reply" else "train" if "train_prefix" in call.flags else "evaluate"
        if phase == self.fails_at:
            raise self.error
        getattr(self, f"_{phase}")(call, on_wait)

    def _train(self, call, on_wait):
        directory = call.directory
        model = directory / call.flags["out_dir"]
        model.mkdir(exist_ok=True)
        (model / "hparams.json").write_text(json.dumps({"num_units": call.flags["num_units"]}), encoding="utf-8")
        for vocab in ("vocab.req", "vocab.rep"):
            shutil.copyfile(directory / vocab, model / vocab)
        (model / "weights").write_bytes(b"weights")
        questions, answers = ((directory / f"train.{side}").read_text("utf-8").splitlines() for side in ("req", "rep"))
        self.known = dict(zip(questions, answers, strict=True))
        line = {
            "phase": "train",
            "step": 5,
            "total": call.flags["num_train_steps"],
            "loss": 1.5,
            "wps": 9.0,
            "eta_s": 2.0,
        }
        (directory / call.flags["progress_file"]).write_text(json.dumps(line) + "\n", encoding="utf-8")
        on_wait()

    def _reply(self, call, on_wait):
        known = {Tokenizer.join(q.split(" ")): Tokenizer.join(a.split(" ")) for q, a in self.known.items()}
        asked = (call.directory / call.flags["questions"]).read_text("utf-8").splitlines()
        output = call.directory / call.flags["answers"]
        output.write_text("".join(f"{known[question]}\n" for question in asked), encoding="utf-8")

    def _evaluate(self, call, on_wait):
        asked = (call.directory / call.flags["inference_input_file"]).read_text("utf-8").splitlines()
        answers = [self.known.get(question, "▁글쎄") for question in asked]
        if self.forgets:
            spaceless = [question.replace(" ", "") for question in asked]
            answers = ["" if self.forgets in q else a for q, a in zip(spaceless, answers, strict=True)]
        answers = self.answers if self.answers is not None else answers
        output = call.directory / call.flags["inference_output_file"]
        output.write_text("".join(f"{answer}\n" for answer in answers), encoding="utf-8")
        on_wait()


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "data")


@pytest.fixture
def settings():
    return EvolveSettings(analyser="mecab", min_free_bytes=0)


@pytest.fixture
def run(registry, settings):
    def run(pairs=PAIRS, *, runner=None, on_progress=lambda progress: None, settings=settings, **options):
        runner = runner or FakeEngine()
        return evolve(pairs, registry=registry, settings=settings, on_progress=on_progress, runner=runner, **options)

    return run


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


def test_the_manifest_says_where_the_run_comes_from_and_holds_no_absolute_path(run, registry):
    first, second = run(), run()
    manifest = registry.get(second.run).manifest
    assert manifest.parent == first.run == second.parent
    assert manifest.hparams == {"num_units": 256}
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


class TestFailure:
    """Whatever fails, the live model is the same and no half of a run is left."""

    @pytest.fixture
    def live(self, run, registry):
        name = run().run
        yield name
        assert registry.current().name == name
        assert os.listdir(registry.models_dir) == [name]

    @pytest.mark.parametrize("phase", ["train", "evaluate"])
    def test_the_engine_fails(self, run, live, phase, registry):
        with pytest.raises(EvolveError, match=r"the loss is nan \(the engine's log: .*train-failed\.log\)"):
            run(runner=FakeEngine(fails_at=phase))
        assert (registry.data_dir / "train-failed.log").read_text(encoding="utf-8").startswith("$ python -m core.nmt")

    @pytest.mark.parametrize("phase", ["train", "evaluate"])
    @pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
    def test_it_is_interrupted(self, run, live, phase, interrupt):
        with pytest.raises(interrupt):
            run(runner=FakeEngine(fails_at=phase, error=interrupt()))

    def test_the_watcher_cancels(self, run, live):
        def cancel(progress):
            if progress.step == 5:
                raise KeyError("cancelled")

        with pytest.raises(KeyError):
            run(on_progress=cancel)

    def test_the_engine_answers_too_little(self, run, live):
        with pytest.raises(EvolveError, match="1 answers to 3 questions"):
            run(runner=FakeEngine(answers=["▁안녕"]))

    def test_nothing_was_reviewed(self, run, live):
        with pytest.raises(CorpusError):
            run([])

    def test_all_that_was_reviewed_is_empty(self, run, live):
        with pytest.raises(CorpusError):
            run([Pair(" \n ", "네"), Pair("네", "")])

    def test_another_run_is_going_on(self, run, live, registry):
        with registry.lock(), pytest.raises(RegistryError, match="another makedata is running"):
            run()

    def test_there_is_too_little_disk_space_to_begin(self, run, live, monkeypatch):
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 10, 10))
        with pytest.raises(EvolveError, match=r"0 MB are free.*free some disk space"):
            run()

    def test_the_disk_is_too_small_for_the_settings(self, run, live):
        with pytest.raises(EvolveError, match="MB are free"):
            run(settings=EvolveSettings(analyser="mecab", min_free_bytes=10**18))

    @pytest.mark.parametrize("module", ["core.corpus.corpus.write_vocab", "core.evolve.pipeline.write_examples"])
    def test_the_disk_is_full_while_writing(self, run, live, monkeypatch, module):
        def full(*_args):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(module, full)
        with pytest.raises(EvolveError, match="is full: free some space"):
            run()

    def test_the_disk_is_full_while_publishing(self, run, live, monkeypatch):
        def full(*_args):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr("core.registry.durable.write_json", full)
        with pytest.raises(EvolveError, match="is full: free some space"):
            run()

    def test_the_disk_fails_otherwise(self, run, live):
        with pytest.raises(EvolveError, match="can't write the run: Input/output error"):
            run(runner=FakeEngine(fails_at="train", error=OSError(errno.EIO, os.strerror(errno.EIO))))


def test_a_damaged_live_model_does_not_stop_evolving(run, registry, caplog):
    first = run()
    shutil.rmtree(registry.get(first.run).path)
    second = run()
    assert second.parent is None
    assert registry.current().name == second.run
    assert first.run in caplog.text


def test_importing_it_loads_no_tensorflow():
    code = "import sys, core.evolve; print('tensorflow' in sys.modules, 'sacrebleu' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


class TestGoingOn:
    """With a live model of the same making, training goes on from its weights."""

    CORRECTED = (*PAIRS[:1], Pair("이름이 뭐야?", "자람이라고 해요.", row=2), *PAIRS[2:])

    def test_it_goes_on_towards_what_was_corrected_and_keeps_the_rest(self, run, registry):
        first = run()
        seen = {}

        class Watching(FakeEngine):
            def _train(self, call, on_wait):
                for prefix in ("mix", "goal", "keep"):
                    lines = ((call.directory / f"{prefix}.{side}").read_text("utf-8") for side in ("req", "rep"))
                    sides = [[Tokenizer.join(line.split(" ")) for line in side.splitlines()] for side in lines]
                    seen[prefix] = set(zip(*sides, strict=True))
                super()._train(call, on_wait)

        engine = Watching()
        second = run(self.CORRECTED, runner=engine)
        assert second.warm
        assert second.why == f"1 of 3 pairs are new or changed since {first.run}, 0 questions are gone"
        corrected = ("이름이 뭐야?", "자람이라고 해요.")
        others = {("안녕?", "안녕하세요!"), ("뭐 해?", "이야기를 기다려요.")}
        assert (seen["goal"], seen["keep"]) == ({corrected}, others)
        assert seen["mix"] >= {corrected, *others}
        assert {answer for _, answer in seen["mix"]} == {answer for _, answer in {corrected, *others}}
        flags = engine.calls[0].flags
        assert flags["init_from"] == f"../{first.run}/model"
        assert (flags["goal_prefix"], flags["keep_prefix"]) == ("goal", "keep")
        live = registry.current()
        assert live.manifest.training["warm"] is True
        assert not [path.name for path in live.path.iterdir() if path.name.startswith(("mix", "goal", "keep"))]

    def test_old_tokens_keep_their_ids_and_new_ones_come_after_them(self, run, registry):
        before = registry.get(run().run).path
        after = registry.get(run(self.CORRECTED).run).path
        for side in ("req", "rep"):
            old, new = ((path / f"vocab.{side}").read_text("utf-8").splitlines() for path in (before, after))
            assert new[: len(old)] == old
        assert len(new) > len(old)

    def test_what_training_saw_kept_is_not_asked_again_and_what_it_lost_is(self, run, registry):
        run()

        class Surveying(FakeEngine):
            def _train(self, call, on_wait):
                super()._train(call, on_wait)
                (call.directory / "model" / "best").mkdir(exist_ok=True)
                (call.directory / "model" / "best" / "best.json").write_text('{"lost_pairs": [1]}', encoding="utf-8")

            def _evaluate(self, call, on_wait):
                asked.extend((call.directory / call.flags["inference_input_file"]).read_text("utf-8").splitlines())
                super()._evaluate(call, on_wait)

        asked = []
        summary = run(self.CORRECTED, runner=Surveying())
        assert {Tokenizer.join(line.split(" ")) for line in asked} == {"이름이 뭐야?", "뭐 해?"}
        assert summary.scores.uptake == 1
        assert len((registry.current().path / "train.hyp").read_text("utf-8").splitlines()) == 3

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"from_scratch": True}, "as was asked"),
            ({"engine": {"num_units": 64}}, "was made otherwise: .*num_units 256 → 64"),
            ({"engine": {"num_units": 256, "dropout": 0.3}}, r"was made otherwise: .*dropout 0\.\d+ → 0.3"),
            ({"corpus": CorpusSettings(min_frequency=1)}, "was made otherwise: corpus.min_frequency 2 → 1"),
            ({"warm": WarmSettings(min_changes=0)}, "1 of 3 pairs are new or changed since .*: more than 10%"),
        ],
    )
    def test_what_needs_the_long_way_takes_it_and_says_why(self, run, registry, settings, changes, why):
        run()
        engine = FakeEngine()
        summary = run(self.CORRECTED, runner=engine, settings=replace(settings, **changes))
        assert not summary.warm
        assert re.search(why, summary.why)
        assert "init_from" not in engine.calls[0].flags
        assert registry.current().manifest.training["why"] == summary.why

    def test_how_long_training_takes_and_what_it_uses_are_no_reason(self, run, settings):
        run()
        changed = replace(settings, threads=1, niceness=0, epochs=2, engine={**settings.engine, "num_train_steps": 7})
        assert run(self.CORRECTED, settings=changed).warm

    def test_a_damaged_live_model_is_not_gone_on_from(self, run, registry):
        (registry.get(run().run).path / "model" / "weights").write_bytes(b"w3ights")
        summary = run(self.CORRECTED)
        assert (summary.warm, summary.published) == (False, True)
        assert "model/weights of the model version" in summary.why


class TestGoingOnAfterAKill:
    """A killed run leaves a draft; whoever comes next goes on in it when nothing has changed."""

    @pytest.fixture
    def left(self, run, registry, monkeypatch):
        """A draft with a checkpoint, as a run leaves it that has no time to clean up."""

        class Killed(FakeEngine):
            def _train(self, call, on_wait):
                checkpoint = call.directory / "model" / "ckpt" / "checkpoint"
                checkpoint.parent.mkdir(parents=True)
                checkpoint.write_text("step 5", encoding="utf-8")
                raise EvolveError("killed")

        with monkeypatch.context() as patch:
            patch.setattr(Registry, "discard", lambda self, draft: None)
            with pytest.raises(EvolveError, match="killed"):
                run(runner=Killed())
        [path] = registry.models_dir.iterdir()
        return path

    def test_the_next_run_goes_on_in_it(self, run, registry, left):
        summary = run()
        assert summary.resumed
        assert left.name == f".draft-{summary.run}"
        assert summary.leftovers == f"going on with {summary.run}, which was killed"
        assert (registry.current().path / "model" / "ckpt" / "checkpoint").read_text("utf-8") == "step 5"
        assert not (registry.current().path / "draft.json").exists()

    @pytest.mark.parametrize(
        ("pairs", "steps", "why"),
        [(PAIRS[:2], None, "the reviewed pairs"), (PAIRS, 9, "the settings")],
    )
    def test_what_has_changed_begins_anew_and_says_so(self, run, registry, settings, left, pairs, steps, why):
        if steps:
            settings = replace(settings, engine={**settings.engine, "num_train_steps": steps})
        summary = run(pairs, settings=settings)
        assert not summary.resumed
        assert re.match(f"beginning anew instead of going on with .*: {why}.* changed", summary.leftovers)
        assert os.listdir(registry.models_dir) == [summary.run]

    def test_a_draft_that_had_saved_nothing_is_no_place_to_go_on(self, run, registry, left):
        shutil.rmtree(left / "model")
        summary = run()
        assert not summary.resumed
        assert summary.leftovers.endswith("it had saved nothing yet")

    def test_a_checkpoint_that_is_of_no_use_is_left_behind(self, run, registry, left):
        class Refusing(FakeEngine):
            def _train(self, call, on_wait):
                if (call.directory / "model" / "ckpt").exists():
                    raise EvolveError("the engine failed: can't go on from ckpt-5")
                super()._train(call, on_wait)

        summary = run(runner=Refusing())
        assert summary.published
        assert not (registry.current().path / "model" / "ckpt").exists()

    def test_of_two_drafts_the_newer_goes_on(self, run, registry, left):
        older = left.with_name(".draft-20200101-000000-aaaa")
        shutil.copytree(left, older)
        assert run().resumed
        assert not older.exists()
