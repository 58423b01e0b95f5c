"""With a live model of the same making, training goes on from its weights."""

import json
import re
from dataclasses import replace

import pytest

from core.corpus import CorpusSettings, Pair
from core.evolve.settings import WarmSettings
from core.text import Tokenizer
from tests.core.evolve.fake_engine import PAIRS, FakeEngine

CORRECTED = (*PAIRS[:1], Pair("이름이 뭐야?", "자람이라고 해요.", row=2), *PAIRS[2:])


def test_it_goes_on_towards_what_was_corrected_and_keeps_the_rest(run, registry):
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
    second = run(CORRECTED, runner=engine)
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


def test_old_tokens_keep_their_ids_and_new_ones_come_after_them(run, registry):
    before = registry.get(run().run).path
    after = registry.get(run(CORRECTED).run).path
    for side in ("req", "rep"):
        old, new = ((path / f"vocab.{side}").read_text("utf-8").splitlines() for path in (before, after))
        assert new[: len(old)] == old
    assert len(new) > len(old)


def test_what_training_saw_kept_is_not_asked_again_and_what_it_lost_is(run, registry):
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
    summary = run(CORRECTED, runner=Surveying())
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
        ({"corpus": CorpusSettings(one_vocabulary=True)}, "was made otherwise: .*share_vocab False → True"),
        ({"warm": WarmSettings(min_changes=0)}, "1 of 3 pairs are new or changed since .*: more than 10%"),
    ],
)
def test_what_needs_the_long_way_takes_it_and_says_why(run, registry, settings, changes, why):
    run()
    engine = FakeEngine()
    summary = run(CORRECTED, runner=engine, settings=replace(settings, **changes))
    assert not summary.warm
    assert re.search(why, summary.why)
    assert "init_from" not in engine.calls[0].flags
    assert registry.current().manifest.training["why"] == summary.why


def test_how_long_training_takes_and_what_it_uses_are_no_reason(run, settings):
    run()
    changed = replace(settings, threads=1, niceness=0, epochs=2, engine={**settings.engine, "num_train_steps": 7})
    assert run(CORRECTED, settings=changed).warm


def test_a_model_of_one_vocabulary_goes_on_with_one(run, settings, registry):
    settings = replace(settings, corpus=replace(settings.corpus, one_vocabulary=True))
    run(settings=settings)
    engine = FakeEngine()
    assert run(CORRECTED, runner=engine, settings=settings).warm
    assert engine.calls[0].flags["share_vocab"] is True
    live = registry.current()
    questions, answers = ((live.path / f"vocab.{side}").read_text("utf-8") for side in ("req", "rep"))
    assert questions == answers


def test_a_setting_that_the_live_model_knew_nothing_of_was_as_it_is_by_default(run, registry):
    run()
    path = registry.current().path / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    del manifest["training"]["rules"]["corpus.one_vocabulary"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert run(CORRECTED).warm


@pytest.mark.parametrize(("asked", "warm"), [("", True), ("cosine", False)])
def test_a_flag_that_the_live_model_knew_nothing_of_was_as_the_engine_has_it(run, registry, settings, asked, warm):
    settings = replace(settings, engine={**settings.engine, "decay_scheme": asked})
    run(settings=settings)
    path = registry.current().path / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    del manifest["training"]["rules"]["decay_scheme"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    summary = run(CORRECTED, settings=settings)
    assert summary.warm == warm
    assert warm or summary.why.endswith("was made otherwise: decay_scheme  → cosine")


def test_a_shape_that_the_live_model_knew_nothing_of_was_as_the_engine_has_it(run, registry):
    """Even one of before rules were kept; makedata's own default may be another than the engine's."""
    run()
    path = registry.current().path / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    del manifest["training"]["rules"], manifest["hparams"]["members"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    summary = run(CORRECTED)
    assert not summary.warm
    assert summary.why.endswith("was made otherwise: members 1 → 2")


def test_a_damaged_live_model_is_not_gone_on_from(run, registry):
    (registry.get(run().run).path / "model" / "weights").write_bytes(b"w3ights")
    summary = run(CORRECTED)
    assert (summary.warm, summary.published) == (False, True)
    assert "model/weights of the model version" in summary.why
