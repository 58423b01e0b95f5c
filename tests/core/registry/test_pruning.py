"""Pruning removes what nothing keeps, and never what answers or may have to answer again."""

import hashlib
import json
from dataclasses import replace

import pytest

from core.registry import Manifest, Registry, RegistryError, durable, pruning
from core.registry.pruning import Retention, prunable, prune

FILES = {"model/weights": hashlib.sha256(b"0" * 100).hexdigest()}
NAMES = [f"20260101-00000{number}-abcd" for number in range(8)]


@pytest.fixture
def registry(tmp_path):
    """Eight versions, each the parent of the next, the first made from the bundled one; the last one is live."""
    for directory, name, parent in [
        (tmp_path / "initial", "20250101-000000-abcd", None),
        *((tmp_path / "models" / name, name, parent) for name, parent in zip(NAMES, ["initial", *NAMES], strict=False)),
    ]:
        (directory / "model").mkdir(parents=True)
        (directory / "model" / "weights").write_bytes(b"0" * 100)
        manifest = Manifest(run=name, created_at="now", parent=parent)
        (directory / "manifest.json").write_text(json.dumps(manifest.to_dict()))
    registry = Registry(tmp_path)
    make_live(registry, NAMES[7])
    return registry


def make_live(registry, name):
    durable.replace_link(registry.current_link, f"models/{name}" if name != "initial" else name)


def names(versions):
    return [version.name for version in versions]


def test_the_newest_and_the_ancestors_of_the_live_version_stay(registry):
    make_live(registry, NAMES[4])
    assert names(prunable(registry, Retention(newest=2, ancestors=1))) == [*NAMES[:3], NAMES[5]]


def test_what_may_be_removed_is_told_with_its_bytes_and_stays(registry):
    found = prunable(registry, Retention(newest=7))
    assert names(found) == NAMES[:1]
    assert found[0].bytes == 100 + (found[0].path / "manifest.json").stat().st_size
    assert registry.names() == ["initial", *NAMES]


def test_pruning_removes_and_tells_what(registry):
    assert names(prune(registry, Retention(newest=1, ancestors=1))) == NAMES[:6]
    assert registry.names() == ["initial", *NAMES[6:]]
    assert sorted(path.name for path in registry.models_dir.iterdir()) == NAMES[6:]
    assert prune(registry, Retention(newest=1, ancestors=1)) == []


def test_the_live_and_the_bundled_version_stay_whatever_is_asked(registry):
    make_live(registry, NAMES[2])
    prune(registry, Retention(newest=0, ancestors=0))
    assert registry.names() == ["initial", NAMES[2]]
    assert registry.current().name == NAMES[2]


def test_with_the_bundled_version_live_all_others_may_go(registry):
    make_live(registry, "initial")
    prune(registry, Retention(newest=0))
    assert registry.names() == ["initial"]


def test_without_a_live_version_the_newest_stay(registry):
    registry.current_link.unlink()
    assert names(prunable(registry, Retention(newest=3))) == NAMES[:5]


def test_an_ancestor_that_is_damaged_ends_the_lineage_and_is_of_no_use(registry):
    (registry.models_dir / NAMES[5] / "manifest.json").write_text("{")
    assert names(prunable(registry, Retention(newest=1, ancestors=5))) == NAMES[:6]


def test_what_was_live_before_stays_although_it_is_no_ancestor(registry):
    for name in (NAMES[1], NAMES[6]):
        registry.publish(replace(registry.get(name), manifest=Manifest(run=name, created_at="now", files=FILES)))
    # Back from the seventh: the second, the eighth, and the ancestors of the last of these.
    kept = [NAMES[1], NAMES[6], NAMES[7]]
    assert names(prunable(registry, Retention(newest=0, ancestors=2))) == [name for name in NAMES if name not in kept]


def test_a_damaged_version_can_be_removed(registry):
    (registry.models_dir / NAMES[0] / "manifest.json").unlink()
    assert names(prune(registry, Retention(newest=7))) == NAMES[:1]


def test_nothing_is_removed_when_the_live_version_is_damaged(registry):
    (registry.models_dir / NAMES[7] / "manifest.json").write_text("{")
    with pytest.raises(RegistryError, match="cut short"):
        prune(registry, Retention(newest=0))
    assert registry.names() == ["initial", *NAMES]


def test_pruning_waits_for_no_training(registry):
    with registry.lock(), pytest.raises(RegistryError, match="is running"):
        prune(Registry(registry.data_dir), Retention())


def test_a_version_that_is_made_live_meanwhile_stays(registry, monkeypatch):
    found = prunable(registry, Retention(newest=7))
    make_live(registry, NAMES[0])
    monkeypatch.setattr(pruning, "prunable", lambda *_: found)
    assert prune(registry, Retention(newest=7)) == []
    assert registry.current().name == NAMES[0]


def test_the_rest_of_a_killed_prune_is_removed_by_the_next(registry):
    rest = registry.models_dir / f".pruned-{NAMES[0]}"
    (registry.models_dir / NAMES[0]).rename(rest)
    assert NAMES[0] not in registry.names()
    prune(registry, Retention(newest=8))
    assert not rest.exists()


def test_a_version_that_cannot_be_removed_is_said(registry, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(pruning.shutil, "rmtree", refuse)
    with pytest.raises(RegistryError, match=r"Permission denied; remove it by hand"):
        prune(registry, Retention(newest=7))


@pytest.mark.parametrize("fields", [{"newest": -1}, {"ancestors": -1}])
def test_a_negative_number_is_refused(fields):
    with pytest.raises(RegistryError, match="0 or more"):
        Retention(**fields)
