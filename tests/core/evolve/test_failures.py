"""Whatever fails, the live model is the same and no half of a run is left."""

import errno
import os
import shutil
from collections import namedtuple

import pytest

from core.corpus import CorpusError, Pair
from core.evolve import EvolveError, EvolveSettings
from core.registry import RegistryError
from tests.core.evolve.fake_engine import FakeEngine


@pytest.fixture
def live(run, registry):
    name = run().run
    yield name
    assert registry.current().name == name
    assert os.listdir(registry.models_dir) == [name]


@pytest.mark.parametrize("phase", ["train", "evaluate"])
def test_the_engine_fails(run, live, phase, registry):
    with pytest.raises(EvolveError, match=r"the loss is nan \(the engine's log: .*train-failed\.log\)"):
        run(runner=FakeEngine(fails_at=phase))
    assert (registry.data_dir / "train-failed.log").read_text(encoding="utf-8").startswith("$ python -m core.nmt")


@pytest.mark.parametrize("phase", ["train", "evaluate"])
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_it_is_interrupted(run, live, phase, interrupt):
    with pytest.raises(interrupt):
        run(runner=FakeEngine(fails_at=phase, error=interrupt()))


def test_the_watcher_cancels(run, live):
    def cancel(progress):
        if progress.step == 5:
            raise KeyError("cancelled")

    with pytest.raises(KeyError):
        run(on_progress=cancel)


def test_the_engine_answers_too_little(run, live):
    with pytest.raises(EvolveError, match="1 answers to 3 questions"):
        run(runner=FakeEngine(answers=["▁안녕"]))


def test_nothing_was_reviewed(run, live):
    with pytest.raises(CorpusError):
        run([])


def test_all_that_was_reviewed_is_empty(run, live):
    with pytest.raises(CorpusError):
        run([Pair(" \n ", "네"), Pair("네", "")])


def test_another_run_is_going_on(run, live, registry):
    with registry.lock(), pytest.raises(RegistryError, match="another makedata is running"):
        run()


def test_there_is_too_little_disk_space_to_begin(run, live, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 10, 10))
    with pytest.raises(EvolveError, match=r"0 MB are free.*free some disk space"):
        run()


def test_the_disk_is_too_small_for_the_settings(run, live):
    with pytest.raises(EvolveError, match="MB are free"):
        run(settings=EvolveSettings(analyser="mecab", min_free_bytes=10**18))


@pytest.mark.parametrize("module", ["core.corpus.corpus.write_vocab", "core.evolve.pipeline.write_examples"])
def test_the_disk_is_full_while_writing(run, live, monkeypatch, module):
    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, full)
    with pytest.raises(EvolveError, match="is full: free some space"):
        run()


def test_the_disk_is_full_while_publishing(run, live, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("core.registry.durable.write_json", full)
    with pytest.raises(EvolveError, match="is full: free some space"):
        run()


def test_the_disk_fails_otherwise(run, live):
    with pytest.raises(EvolveError, match="can't write the run: Input/output error"):
        run(runner=FakeEngine(fails_at="train", error=OSError(errno.EIO, os.strerror(errno.EIO))))
