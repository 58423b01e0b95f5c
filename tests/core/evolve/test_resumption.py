"""A killed run leaves a draft; whoever comes next goes on in it when nothing has changed."""

import os
import re
import shutil
from dataclasses import replace

import pytest

from core.evolve import EvolveError
from core.registry import Registry
from tests.core.evolve.fake_engine import PAIRS, FakeEngine


@pytest.fixture
def left(run, registry, monkeypatch):
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


def test_the_next_run_goes_on_in_it(run, registry, left):
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
def test_what_has_changed_begins_anew_and_says_so(run, registry, settings, left, pairs, steps, why):
    if steps:
        settings = replace(settings, engine={**settings.engine, "num_train_steps": steps})
    summary = run(pairs, settings=settings)
    assert not summary.resumed
    assert re.match(f"beginning anew instead of going on with .*: {why}.* changed", summary.leftovers)
    assert os.listdir(registry.models_dir) == [summary.run]


def test_a_draft_that_had_saved_nothing_is_no_place_to_go_on(run, registry, left):
    shutil.rmtree(left / "model")
    summary = run()
    assert not summary.resumed
    assert summary.leftovers.endswith("it had saved nothing yet")


def test_a_checkpoint_that_is_of_no_use_is_left_behind(run, registry, left):
    class Refusing(FakeEngine):
        def _train(self, call, on_wait):
            if (call.directory / "model" / "ckpt").exists():
                raise EvolveError("the engine failed: can't go on from ckpt-5")
            super()._train(call, on_wait)

    summary = run(runner=Refusing())
    assert summary.published
    assert not (registry.current().path / "model" / "ckpt").exists()


def test_of_two_drafts_the_newer_goes_on(run, registry, left):
    older = left.with_name(".draft-20200101-000000-aaaa")
    shutil.copytree(left, older)
    assert run().resumed
    assert not older.exists()
