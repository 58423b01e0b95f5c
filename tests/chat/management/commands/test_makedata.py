import io
import json
from dataclasses import replace
from functools import partial

import pytest
from django.core.management import CommandError, call_command

from chat.management.commands import makedata
from chat.models import Category, Chat
from chat.training import work
from chat.training.run import TrainingRun
from chat.training.work import TrainingCancelled
from chat.training_bar import TrainingBar
from core.corpus import CorpusSettings
from core.evolve import EvolveError, Progress, evolve
from core.registry import Registry
from core.text import Tokenizer

pytestmark = pytest.mark.django_db


class FakeEngine:
    """Writes what the engine would write, and answers each trained question with its answer, but for `forgets`."""

    def __init__(self):
        self.calls = []
        self.forgets = ()

    def __call__(self, call, on_wait):
        self.calls.append(call)
        folder = call.directory
        if call.module == "core.reply":
            asked = (folder / call.flags["questions"]).read_text(encoding="utf-8").splitlines()
            known = {Tokenizer.join(question.split()): answer for question, answer in self.known(folder).items()}
            answers = "".join(f"{Tokenizer.join(known[question].split())}\n" for question in asked)
            (folder / call.flags["answers"]).write_text(answers, encoding="utf-8")
        elif "inference_input_file" in call.flags:
            known = self.known(folder)
            asked = (folder / call.flags["inference_input_file"]).read_text(encoding="utf-8").splitlines()
            known |= {question: "▁잊었어요" for question in asked if Tokenizer.join(question.split()) in self.forgets}
            answers = "".join(f"{known.get(question, '몰라요')}\n" for question in asked)
            (folder / call.flags["inference_output_file"]).write_text(answers, encoding="utf-8")
        else:
            (folder / "model").mkdir()
            (folder / "model" / "hparams.json").write_text(json.dumps(dict(call.flags)))
            with (folder / call.flags["progress_file"]).open("w") as file:
                file.write(json.dumps({"phase": "train", "step": 7, "total": 10, "loss": 2.5, "wps": 900.0}) + "\n")
        call.log.touch()
        on_wait()

    @staticmethod
    def known(folder):
        sides = ((folder / f"train.{side}").read_text(encoding="utf-8").splitlines() for side in ("req", "rep"))
        return dict(zip(*sides, strict=True))


@pytest.fixture
def engine(monkeypatch, data_dir):
    engine = FakeEngine()
    monkeypatch.setattr(makedata, "evolve", partial(evolve, runner=engine))
    return engine


@pytest.fixture
def run(capsys, monkeypatch):
    # A sign of life would wait for the test's own transaction to end.
    monkeypatch.setattr(work, "BEAT_SECONDS", 3600)

    def run(*arguments, verbosity=0):
        call_command("makedata", *arguments, verbosity=verbosity)
        return capsys.readouterr()

    return run


@pytest.fixture
def reviewed(make_chat):
    make_chat("누구야?", "몰라요", correction="자람이에요", verify="approved")
    make_chat("뭐 해?", "쉬어요", verify="approved")
    make_chat("안 볼 말", "안 할 말", verify="pending")
    make_chat("지울 말", "지울 답", verify="delete")


def test_approved_rows_become_the_live_model(engine, run, reviewed, data_dir):
    out = run().out
    live = Registry(data_dir).current()
    assert f"{live.name} is live" in out
    assert "2 pairs seen, 2 used" in out
    assert "100.00% of 2 get exactly their answer" in out
    assert "2 of 2 learned word for word" in out
    assert "unseen questions:  none held out" in out
    assert "time: 0:0" in out
    trained = (live.path / "train.rep").read_text(encoding="utf-8").replace(" ", "").replace("▁", "")
    assert "자람이에요" in trained
    assert "몰라요" not in trained
    assert "지울답" not in trained


def test_receipt_names_the_rows(engine, run, reviewed, data_dir):
    run()
    receipt = json.loads((Registry(data_dir).current().path / "receipt.json").read_text(encoding="utf-8"))
    assert {pair["row"] for pair in receipt["corrections"]} == set(Chat.objects.approved().values_list("pk", flat=True))


def test_dry_run_trains_nothing(engine, run, reviewed, data_dir):
    out = run("--dry-run").out
    assert "2 pairs seen" in out
    assert "dry run" in out
    assert engine.calls == []
    assert list(data_dir.iterdir()) == []


def test_what_is_odd_in_the_data_is_said_before_training(engine, run, reviewed, make_chat):
    make_chat("what is up", "쉬어요", verify="approved")
    assert "warning: 33.3% of the questions are not Korean (1 of 3)" in run("--dry-run").out


def test_no_publish_leaves_the_live_model(engine, run, reviewed, data_dir, publish_run):
    before = publish_run()
    out = run("--no-publish").out
    assert "the live model unchanged" in out
    registry = Registry(data_dir)
    assert registry.current().name == before.name
    assert len(registry.runs()) == 2


def test_flags_of_the_engine_are_handed_on(engine, run, reviewed, settings):
    settings.TRAINING_THREADS = 1
    run("--num-train-steps=10", "--hparam=num_units=32", "--hparam=dropout=0.1", "--hparam", "attention=bahdanau")
    flags = engine.calls[0].flags
    assert (flags["num_train_steps"], flags["num_units"], flags["dropout"]) == (10, 32, 0.1)
    assert flags["attention"] == "bahdanau"
    assert flags["num_intra_threads"] == 1


def test_the_analyser_of_the_settings_splits_the_corpus(run, reviewed, settings, monkeypatch):
    asked = []

    def stop(name):
        asked.append(name)
        raise EvolveError("far enough")

    monkeypatch.setattr("core.evolve.pipeline.get_analyser", stop)
    settings.ANALYSER = "mecab"
    with pytest.raises(CommandError, match="far enough"):
        run()
    assert asked == ["mecab"]


@pytest.mark.parametrize(
    "arguments",
    [["--hparam", "num_units"], ["--hparam", "=3"], ["--num-train-steps=0"], ["--num-train-steps=x"], ["--threads=-1"]],
)
def test_senseless_arguments_are_refused(engine, run, arguments):
    with pytest.raises(CommandError):
        run(*arguments)
    assert engine.calls == []


def test_no_reviewed_rows_is_a_clear_error(engine, run, make_chat, data_dir, publish_run):
    before = publish_run()
    make_chat("하나", verify="pending")
    with pytest.raises(CommandError):
        run()
    assert engine.calls == []
    assert Registry(data_dir).current().name == before.name


@pytest.mark.parametrize("question", ["\n", "  ", "두\n줄"])
def test_odd_rows_are_left_out_or_cleaned_and_the_others_learned(engine, run, reviewed, make_chat, question):
    make_chat(question, "응", verify="approved")
    out = run().out
    assert "3 pairs seen" in out
    assert ("empty question" in out) == (question.strip() == "")


def test_empty_answer_is_left_out_and_named(engine, run, reviewed, make_chat):
    chat = make_chat("뭐라고?", "", verify="approved")
    assert f"empty answer (rows {chat.pk})" in run().out


def test_second_makedata_while_one_runs_is_refused(engine, run, reviewed, data_dir):
    with Registry(data_dir).lock(), pytest.raises(CommandError):
        run()
    assert engine.calls == []


def test_failing_engine_leaves_the_live_model(run, reviewed, data_dir, publish_run, monkeypatch):
    before = publish_run()

    def fail(call, on_wait):
        call.log.touch()
        raise EvolveError("the engine failed: out of memory")

    monkeypatch.setattr(makedata, "evolve", partial(evolve, runner=fail))
    with pytest.raises(CommandError, match="out of memory"):
        run()
    registry = Registry(data_dir)
    assert registry.current().name == before.name
    assert [found.name for found in registry.runs()] == [before.name]


def test_ctrl_c_leaves_the_live_model(run, reviewed, data_dir, publish_run, monkeypatch):
    before = publish_run()

    def stop(call, on_wait):
        raise KeyboardInterrupt

    monkeypatch.setattr(makedata, "evolve", partial(evolve, runner=stop))
    with pytest.raises(CommandError, match="stopped") as caught:
        run()
    assert caught.value.returncode == 130
    assert Registry(data_dir).current().name == before.name


def test_initial_makes_the_bundled_model_live(engine, run, data_dir, publish_run):
    registry = Registry(data_dir)
    registry.bundle(publish_run())
    assert "bundled model is live" in run("--initial").out
    assert registry.current().name == "initial"
    assert engine.calls == []


def test_initial_without_a_bundled_model_is_a_clear_error(engine, run, data_dir, settings, tmp_path):
    settings.BASE_DIR = tmp_path / "checkout"
    with pytest.raises(CommandError, match="no model version"):
        run("--initial")


def test_imported_rows_are_held_out_and_scored_apart(engine, run, make_chat, monkeypatch):
    made, few = makedata._run_settings, CorpusSettings(min_bulk=100)
    monkeypatch.setattr(makedata, "_run_settings", lambda options: replace(made(options), corpus=few))
    Chat.objects.bulk_create(
        Chat(question=f"질문 {number}번", answer=f"답 {number}번", verify="approved", origin="import")
        for number in range(200)
    )
    make_chat("누구야?", "자람이에요", verify="approved", category=Category.objects.create(name="소개"))
    out = run().out
    assert "1 of 1 learned word for word" in out
    assert "held-out pairs" in out


def test_progress_is_shown(engine, run, reviewed):
    shown = run(verbosity=1).err
    assert "training" in shown
    assert "loss=2.500" in shown
    assert "scoring: 100%" in shown


class TestGate:
    """A version that misses a bar is kept as rejected, unless it is forced."""

    @pytest.fixture
    def live(self, engine, run, reviewed, make_chat, data_dir):
        run()
        make_chat("어디 살아?", "서버에 살아요", verify="approved")
        engine.forgets = ["어디 살아?"]
        return Registry(data_dir).current().name

    def test_a_rejected_version_is_kept_and_named_with_what_it_missed(self, run, live, data_dir, capsys):
        with pytest.raises(CommandError) as caught:
            run()
        assert caught.value.returncode == 3
        registry = Registry(data_dir)
        (kept,) = (version for version in registry.runs() if version.name != live)
        assert str(caught.value).startswith(
            f"the gate rejects {kept.name}, which is kept, and the live model unchanged"
        )
        assert "learned 0 of 1 corrections (0.0%), needs 95%: 1 too few" in str(caught.value)
        assert registry.current().name == live
        assert kept.manifest.gate["passed"] is False
        out = capsys.readouterr().out
        assert "not learned (row" in out
        assert "어디 살아? → 서버에 살아요; it answers: 잊었어요" in out
        assert f"{kept.name}/receipt.json" in out
        assert "gate: FAILED  learned 0 of 1" in out
        assert "is live" not in out

    def test_a_version_that_was_overtaken_is_kept_and_says_how_to_go_on(self, engine, run, live, data_dir, monkeypatch):
        engine.forgets = []
        monkeypatch.setattr("core.evolve.pipeline._Making._status", lambda *_: "overtaken")
        with pytest.raises(CommandError, match="another version went live meanwhile") as caught:
            run()
        assert caught.value.returncode == 3
        assert "manage.py models publish" in str(caught.value)
        assert Registry(data_dir).current().name == live

    def test_force_makes_it_live_with_a_note(self, run, live, data_dir):
        out = run("--force").out
        version = Registry(data_dir).current()
        assert version.name != live
        assert f"{version.name} is live, by force" in out
        assert (version.manifest.gate["passed"], version.manifest.gate["forced"]) == (False, True)

    def test_the_bars_are_settings(self, run, live, data_dir, settings):
        settings.GATE_MIN_LEARNED = 0.0
        assert "is live" in run().out
        assert Registry(data_dir).current().manifest.gate["passed"] is True

    def test_a_bar_that_is_no_share_is_refused(self, run, live, settings):
        settings.GATE_MAX_LOST = 5.0
        with pytest.raises(CommandError, match="max_lost is 5"):
            run()

    def test_a_lost_canary_is_named(self, engine, run, live, make_chat):
        Chat.objects.filter(question="누구야?").update(canary=True)
        engine.forgets = ["누구야?"]
        with pytest.raises(CommandError, match=r"0 of 1 answers that must always hold do, needs all: not 누구야\?"):
            run()

    def test_a_canary_that_a_newer_answer_overrules_is_told(self, run, reviewed, make_chat, engine):
        make_chat("누구야?", "옛 답", verify="approved", canary=True, reviewed_at="2020-01-01T00:00:00Z")
        Chat.objects.filter(correction="자람이에요").update(reviewed_at="2021-01-01T00:00:00Z")
        out = run().out
        assert "must always hold, but is not learned" in out
        assert "누구야? → 옛 답: another answer to the question was reviewed" in out


def test_from_scratch_says_why(engine, run, reviewed):
    assert "trained from scratch: " in run("--from-scratch").out


class TestBar:
    def show(self, *states):
        file = io.StringIO()
        with TrainingBar(file) as bar:
            for state in states:
                bar(state)
        return file.getvalue()

    def test_shows_loss_speed_and_time_left(self):
        shown = self.show(Progress("train", 50, 100, loss=1.25, words_per_second=5300.0, eta_s=95.0, dev_bleu=3.2))
        for part in ("training:  50%", "50/100", "loss=1.250", "words/s=5,300", "left=01:35", "dev BLEU=3.2"):
            assert part in shown

    def test_each_phase_has_its_own_bar(self):
        shown = self.show(Progress("corpus"), Progress("train", 1, 2), Progress("evaluate", 0, 5), Progress("publish"))
        assert [name for name in ("corpus", "training", "scoring", "publishing") if name in shown] == [
            "corpus",
            "training",
            "scoring",
            "publishing",
        ]


def test_a_run_is_in_the_history_and_may_be_cancelled_in_the_admin(run, reviewed, data_dir, monkeypatch):
    def cancelled(*args, on_progress, **kwargs):
        raise TrainingCancelled

    monkeypatch.setattr(makedata, "evolve", cancelled)
    with pytest.raises(CommandError, match="cancelled in the admin") as error:
        run("--from-scratch")
    assert error.value.returncode == makedata.INTERRUPTED
    row = TrainingRun.objects.get()
    assert (row.status, row.reason, row.from_scratch) == ("cancelled", "command", True)
