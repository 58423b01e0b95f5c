"""Drafts become runs, runs become live and back; what goes wrong leaves `data/current` as it was."""

import hashlib
import json
import os
import shutil
import time
from errno import ENOSPC
from pathlib import Path

import pytest

from core.registry import INITIAL, Draft, Manifest, Registry, RegistryError, Run, durable


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "data")


def fill(draft: Draft, weights: bytes = b"weights") -> None:
    (draft.model_dir / "best").mkdir(parents=True)
    (draft.model_dir / "ckpt").mkdir()
    (draft.model_dir / "best" / "weights").write_bytes(weights)
    (draft.model_dir / "ckpt" / "optimizer").write_bytes(b"moments")
    (draft.path / "train.req").write_text("▁안녕\n", encoding="utf-8")


def make_run(registry: Registry, *, parent: str | None = None, weights: bytes = b"weights") -> Run:
    with registry.lock():
        draft = registry.new_run()
        fill(draft, weights)
        return registry.finish(draft, Manifest(run="", created_at="2026-01-01T00:00:00+00:00", parent=parent))


def full_disk(*_args, **_kwargs):
    raise OSError(ENOSPC, os.strerror(ENOSPC))


def test_a_new_registry_has_nothing_live_and_no_runs(registry):
    assert registry.current() is None
    assert registry.runs() == []


def test_a_draft_is_invisible_until_it_is_finished(registry):
    with registry.lock():
        draft = registry.new_run()
        fill(draft)
        assert registry.runs() == []
        with pytest.raises(RegistryError):
            registry.get(draft.path.name)
        run = registry.finish(draft, Manifest(run="", created_at="now"))
    assert [found.name for found in registry.runs()] == [run.name] == [draft.name]
    assert not draft.path.exists()


def test_names_hold_damaged_versions_too(registry):
    whole, damaged = make_run(registry), make_run(registry)
    (damaged.path / "manifest.json").write_text("{", encoding="utf-8")
    assert registry.names() == sorted([whole.name, damaged.name])
    assert [run.name for run in registry.runs()] == [whole.name]


def test_a_discarded_draft_leaves_nothing(registry):
    with registry.lock():
        draft = registry.new_run()
        fill(draft)
        registry.discard(draft)
    assert list(registry.models_dir.iterdir()) == []


def test_a_draft_needs_the_lock(registry):
    with pytest.raises(RegistryError, match="lock"):
        registry.new_run()


def test_the_manifest_holds_the_sum_of_every_file_but_its_own(registry):
    run = make_run(registry)
    on_disk = json.loads((run.path / "manifest.json").read_text(encoding="utf-8"))
    assert set(on_disk["files"]) == {"model/best/weights", "model/ckpt/optimizer", "train.req"}
    assert on_disk["files"]["model/best/weights"] == hashlib.sha256(b"weights").hexdigest()
    assert on_disk["run"] == run.name


def test_publishing_makes_a_relative_link_that_survives_a_move(registry, tmp_path):
    run = make_run(registry)
    registry.publish(run)
    assert os.readlink(registry.current_link) == f"models/{run.name}"
    moved = tmp_path / "elsewhere"
    shutil.move(registry.data_dir, moved)
    live = Registry(moved).current()
    assert live is not None and live.model_dir == moved / "models" / run.name / "model"


def test_the_link_is_never_missing_while_it_is_replaced(registry, monkeypatch):
    first, second = make_run(registry), make_run(registry)
    registry.publish(first)
    seen = []
    real_replace = os.replace

    def watching(source, target):
        seen.append(os.readlink(registry.current_link))
        real_replace(source, target)

    monkeypatch.setattr(os, "replace", watching)
    registry.publish(second)
    assert seen == [f"models/{first.name}"]
    assert registry.current().name == second.name


def test_a_damaged_run_is_not_published_and_the_reason_names_the_file(registry):
    good, bad = make_run(registry), make_run(registry)
    registry.publish(good)
    (bad.model_dir / "best" / "weights").write_bytes(b"w3ights")
    with pytest.raises(RegistryError, match=r"model/best/weights.*damaged"):
        registry.publish(bad)
    assert registry.current().name == good.name


def test_a_run_with_a_missing_file_is_not_published(registry):
    run = make_run(registry)
    (run.model_dir / "best" / "weights").unlink()
    with pytest.raises(RegistryError, match="model/best/weights"):
        registry.publish(run)
    assert registry.current() is None


def test_a_run_without_a_model_is_not_published(registry):
    with registry.lock():
        draft = registry.new_run()
        (draft.path / "train.req").write_text("▁안녕\n", encoding="utf-8")
        run = registry.finish(draft, Manifest(run="", created_at="now"))
    with pytest.raises(RegistryError, match="no model files"):
        registry.publish(run)


def test_a_symbolic_link_in_a_draft_is_refused(registry, tmp_path):
    with registry.lock():
        draft = registry.new_run()
        fill(draft)
        (draft.model_dir / "weights").symlink_to(tmp_path)
        with pytest.raises(RegistryError, match="symbolic link"):
            registry.finish(draft, Manifest(run="", created_at="now"))
    assert registry.runs() == []


def test_a_full_disk_while_finishing_leaves_no_run(registry, monkeypatch):
    live = make_run(registry)
    registry.publish(live)
    with registry.lock():
        draft = registry.new_run()
        fill(draft)
        monkeypatch.setattr(durable, "write_json", full_disk)
        with pytest.raises(RegistryError, match="No space left"):
            registry.finish(draft, Manifest(run="", created_at="now"))
    assert [run.name for run in registry.runs()] == [live.name]
    assert registry.current().name == live.name


@pytest.mark.parametrize("step", ["symlink", "replace"])
def test_a_full_disk_while_publishing_keeps_the_old_run_live(registry, monkeypatch, step):
    old, new = make_run(registry), make_run(registry)
    registry.publish(old)
    monkeypatch.setattr(os, step, full_disk)
    with pytest.raises(RegistryError, match="No space left"):
        registry.publish(new)
    assert registry.current().name == old.name
    assert [path.name for path in registry.data_dir.iterdir() if path.name.startswith(".current")] == []


def test_rolling_back_makes_the_parent_live_again(registry):
    first = make_run(registry)
    second = make_run(registry, parent=first.name)
    registry.publish(second)
    assert registry.rollback().name == first.name
    assert registry.current().name == first.name


def test_rolling_back_to_nothing_says_so(registry):
    with pytest.raises(RegistryError, match="nothing to go back from"):
        registry.rollback()
    run = make_run(registry)
    registry.publish(run)
    with pytest.raises(RegistryError, match="no version that was live before"):
        registry.rollback()


def test_rolling_back_to_a_parent_that_is_gone_keeps_the_live_run(registry):
    first = make_run(registry)
    second = make_run(registry, parent=first.name)
    registry.publish(second)
    shutil.rmtree(first.path)
    with pytest.raises(RegistryError, match=f"before {second.name} is left"):
        registry.rollback()
    assert registry.current().name == second.name


def test_the_bundled_version_can_be_live_and_leaves_out_the_training_state(registry):
    run = make_run(registry, parent="20250101-000000-0000")
    registry.initial_dir.mkdir()
    (registry.initial_dir / "corpus.csv").write_text("question,answer\n", encoding="utf-8")
    bundled = registry.bundle(run)
    registry.publish(bundled)
    assert os.readlink(registry.current_link) == INITIAL
    assert (bundled.model_dir / "best" / "weights").read_bytes() == b"weights"
    assert not (bundled.model_dir / "ckpt").exists()
    assert (registry.initial_dir / "corpus.csv").exists()
    assert bundled.manifest.parent is None
    assert [found.name for found in registry.runs()] == [INITIAL, run.name]


def test_bundling_again_leaves_no_file_of_the_older_model(registry):
    registry.bundle(make_run(registry))
    (registry.initial_dir / "model" / "old").write_bytes(b"")
    registry.verify(registry.bundle(make_run(registry, weights=b"better")))
    assert not (registry.initial_dir / "model" / "old").exists()


@pytest.mark.parametrize("name", ["../secrets", "models", "", "20260101-000000-zzzz", ".draft-20260101-000000-aaaa"])
def test_a_name_that_is_no_run_reaches_no_file(registry, name):
    with pytest.raises(RegistryError, match="no name of a model version"):
        registry.get(name)


@pytest.mark.parametrize(
    "content", ["", '{"run": "x"', "[]", '{"run": "x"}', '{"run": 1, "created_at": "", "files": {}}']
)
def test_a_run_with_a_broken_manifest_is_left_out_of_the_list_and_refused_by_name(registry, content, caplog):
    good, bad = make_run(registry), make_run(registry)
    (bad.path / "manifest.json").write_text(content, encoding="utf-8")
    assert [run.name for run in registry.runs()] == [good.name]
    assert bad.name in caplog.text
    with pytest.raises(RegistryError, match=r"manifest\.json"):
        registry.get(bad.name)


def test_keys_that_a_newer_version_wrote_survive(registry):
    manifest = Manifest.from_dict({"run": "x", "created_at": "now", "files": {}, "gate": {"passed": True}})
    assert manifest.to_dict()["gate"] == {"passed": True}


def test_a_current_that_is_no_link_is_not_replaced(registry):
    run = make_run(registry)
    registry.current_link.mkdir()
    with pytest.raises(RegistryError):
        registry.current()
    with pytest.raises(RegistryError):
        registry.publish(run)
    assert registry.current_link.is_dir()


def test_a_link_to_a_run_that_is_gone_is_an_error_not_a_fresh_start(registry):
    run = make_run(registry)
    registry.publish(run)
    shutil.rmtree(run.path)
    with pytest.raises(RegistryError, match=run.name):
        registry.current()


def test_the_next_holder_of_the_lock_sweeps_what_a_killed_run_left(registry):
    live = make_run(registry)
    registry.publish(live)
    with registry.lock():
        abandoned = registry.new_run()
        fill(abandoned)
    stale, fresh = registry.data_dir / ".current-aaaa", registry.data_dir / ".current-bbbb"
    for link in (stale, fresh):
        link.symlink_to("models/x")
    an_hour_ago = time.time() - 3600
    os.utime(stale, (an_hour_ago, an_hour_ago), follow_symlinks=False)
    with registry.lock():
        assert not abandoned.path.exists()
        assert not stale.is_symlink()
        assert fresh.is_symlink()  # its maker may be about to rename it
    assert registry.current().name == live.name


def test_a_run_knows_its_model_directory(registry):
    run = make_run(registry)
    assert run.model_dir == Path(run.path, "model")
