"""The log of publications: who made what live, kept through damage and full disks."""

import errno
import json
import os
import shutil

import pytest

from core.registry import Manifest, Registry, RegistryError, publications
from core.registry.publications import Publication


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "data")


def make_run(registry, **manifest):
    with registry.lock():
        draft = registry.new_run()
        draft.model_dir.mkdir()
        (draft.model_dir / "weights").write_bytes(b"weights")
        return registry.finish(draft, Manifest(run="", created_at="now", **manifest))


def test_nothing_was_published_in_a_new_registry(registry):
    assert registry.publications() == []


def test_every_way_of_becoming_live_is_noted_with_what_was_live_before(registry):
    first = make_run(registry)
    second = make_run(registry, parent=first.name)
    registry.publish(first, reason="setup")
    registry.publish(second, by="minji", reason="makedata")
    registry.rollback(by="minji")
    noted = [(p.run, p.before, p.by, p.reason) for p in registry.publications()]
    assert noted == [
        (first.name, None, "", "setup"),
        (second.name, first.name, "minji", "makedata"),
        (first.name, second.name, "minji", "rollback"),
    ]
    line = json.loads((registry.data_dir / "publications.jsonl").read_text(encoding="utf-8").splitlines()[1])
    assert list(line) == ["at", "run", "from", "by", "reason"]
    assert line["from"] == first.name


def test_what_was_not_made_live_is_not_noted(registry):
    run = make_run(registry)
    (run.model_dir / "weights").write_bytes(b"w3ights")
    with pytest.raises(RegistryError, match="damaged"):
        registry.publish(run)
    assert registry.publications() == []


def test_a_damaged_line_is_left_out_and_the_others_are_read(registry, caplog):
    run = make_run(registry)
    registry.publish(run)
    with (registry.data_dir / "publications.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"at": "no\n[]\n{"run": "x"}\n')
    registry.publish(run)
    assert [publication.run for publication in registry.publications()] == [run.name, run.name]
    assert caplog.text.count("is damaged") == 3


def test_a_full_disk_keeps_the_version_live_and_says_that_it_is_not_noted(registry, monkeypatch, caplog):
    run = make_run(registry)

    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    registry.publish(run)
    assert registry.current().name == run.name
    assert "can't be written: No space left" in caplog.text


REJECTED = {"passed": False, "forced": False}


def test_a_rejected_version_becomes_live_by_force_alone(registry):
    run = make_run(registry, gate=REJECTED)
    with pytest.raises(RegistryError, match="the gate rejected"):
        registry.publish(run)
    assert registry.current() is None
    registry.publish(registry.get(run.name), by="minji", force=True)
    assert [publication.reason for publication in registry.publications()] == ["force"]


@pytest.mark.parametrize("gate", [{}, {"passed": True, "forced": False}, {"passed": False, "forced": True}])
def test_a_version_that_passed_or_was_forced_or_met_no_gate_needs_no_force(registry, gate):
    registry.publish(make_run(registry, gate=gate))
    assert registry.publications()[0].reason == "publish"


def test_going_back_to_a_version_that_was_forced_needs_no_force(registry):
    rejected = make_run(registry, gate=REJECTED)
    registry.publish(rejected, force=True)
    registry.publish(make_run(registry, parent=rejected.name))
    assert registry.rollback().name == rejected.name


class TestEarlier:
    """To which versions one can go back, from logs written as (version, what was live before, reason)."""

    @pytest.mark.parametrize(
        ("log", "live", "names"),
        [
            ([], "a", []),
            ([("a", None, "setup")], "a", []),
            ([("a", None, "setup"), ("b", "a", "makedata"), ("c", "b", "publish")], "c", ["b", "a"]),
            # Gone back from c to b: the next step back is a, not c again.
            ([("a", None, ""), ("b", "a", ""), ("c", "b", ""), ("b", "c", "rollback")], "b", ["a"]),
            # What was published after a rollback goes back to what answered in between.
            ([("a", None, ""), ("b", "a", ""), ("a", "b", "rollback"), ("c", "a", "")], "c", ["a"]),
            # An older version published again goes back to the newer one that it took the place of.
            ([("a", None, ""), ("b", "a", ""), ("a", "b", "publish")], "a", ["b"]),
            # Published twice in a row, there is still but one before it.
            ([("a", None, ""), ("b", "a", ""), ("b", "b", "publish")], "b", ["a"]),
            # A line is missing: the next one tells what was live before it.
            ([("a", None, ""), ("c", "b", "")], "c", ["b", "a"]),
            # The link was changed by hand.
            ([("a", None, ""), ("b", "a", "")], "x", ["b", "a"]),
            ([("a", "z", "rollback")], "a", ["z"]),
        ],
    )
    def test_goes_back_as_a_browser_does(self, log, live, names):
        assert publications.earlier([Publication("", run, before, "", why) for run, before, why in log], live) == names

    def test_leads_to_what_answered_before_and_not_to_the_parent(self, registry):
        parent = make_run(registry)
        bystander = make_run(registry)
        child = make_run(registry, parent=parent.name)
        for run in (parent, bystander, child):
            registry.publish(run)
        assert [run.name for run in registry.earlier()] == [bystander.name, parent.name]
        assert registry.rollback().name == bystander.name
        assert registry.rollback().name == parent.name
        with pytest.raises(RegistryError, match="no version that was live before"):
            registry.rollback()

    def test_leaves_out_what_is_gone_or_damaged(self, registry):
        runs = [make_run(registry) for _ in range(4)]
        for run in runs:
            registry.publish(run)
        shutil.rmtree(runs[2].path)
        (runs[1].path / "manifest.json").write_text("{")
        assert [run.name for run in registry.earlier()] == [runs[0].name]

    def test_goes_by_parents_where_the_log_is_lost(self, registry):
        first = make_run(registry)
        second = make_run(registry, parent=first.name)
        registry.publish(make_run(registry, parent=second.name))
        (registry.data_dir / "publications.jsonl").unlink()
        assert [run.name for run in registry.earlier()] == [second.name, first.name]

    def test_leads_back_from_a_version_whose_files_are_gone(self, registry):
        first, second = make_run(registry), make_run(registry)
        registry.publish(first)
        registry.publish(second)
        shutil.rmtree(second.path)
        assert registry.rollback().name == first.name

    def test_what_somebody_else_changed_meanwhile_is_not_gone_back_on(self, registry):
        first, second, third = (make_run(registry) for _ in range(3))
        for run in (first, second, third):
            registry.publish(run)
        with pytest.raises(RegistryError, match=f"leads to {second.name}, not to {first.name}"):
            registry.rollback(to=first.name)
        assert registry.current().name == third.name
