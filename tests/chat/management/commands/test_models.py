"""`manage.py models` as it is typed: what it prints, what it changes, and what it refuses."""

import io
import json
import sys

import pytest
from django.core.management import CommandError, call_command

from core.registry import Manifest, Registry
from core.registry.durable import sha256_of
from core.registry.pruning import Retention, prune

NAMES = [f"20260101-00000{number}-abcd" for number in range(4)]


@pytest.fixture
def registry(data_dir):
    """Four versions, each the parent of the next; the third is live, the fourth was rejected."""
    for name, parent in zip(NAMES, [None, *NAMES], strict=False):
        hparams = data_dir / "models" / name / "model" / "hparams.json"
        hparams.parent.mkdir(parents=True)
        hparams.write_text("{}")
        rejected = {"passed": False, "forced": False, "bars": [{"passed": False, "text": "lost half"}, "no bar"]}
        manifest = Manifest(
            run=name,
            created_at="2026-01-01T00:00:00+00:00",
            parent=parent,
            corpus={"hash": "c0ffee", "train": 12},
            metrics={"uptake": 0.975, "trained_questions": 10, "heldout_chrf": None},
            gate=rejected if name == NAMES[3] else {},
            files={"model/hparams.json": sha256_of(hparams)},
        )
        (hparams.parents[1] / "manifest.json").write_text(json.dumps(manifest.to_dict()))
    registry = Registry(data_dir)
    registry.publish(registry.get(NAMES[2]), by="민지")
    return registry


def run(*words):
    out = io.StringIO()
    call_command("models", *words, stdout=out)
    return out.getvalue()


def test_list_marks_the_live_one_and_says_what_is_damaged(registry):
    (registry.models_dir / NAMES[0] / "manifest.json").write_text("{")
    lines = run("list").splitlines()
    assert [line[:22] for line in lines] == [f"  {NAMES[0]}", f"  {NAMES[1]}", f"* {NAMES[2]}", f"  {NAMES[3]}"]
    assert "damaged: can't read" in lines[0]
    assert "12 pairs  trained  97.5%" in lines[2] and lines[3].endswith("rejected")


def test_list_and_show_as_json(registry):
    rows = json.loads(run("list", "--json"))
    assert [(row["name"], row["live"], row["gate"]) for row in rows][2:] == [
        (NAMES[2], True, "no gate"),
        (NAMES[3], False, "rejected"),
    ]
    assert json.loads(run("show", NAMES[1], "--json"))["manifest"]["parent"] == NAMES[0]


def test_show_says_where_a_version_comes_from_and_when_it_was_live(registry):
    printed = run("show", NAMES[2])
    assert f"from {NAMES[1]}" in printed and "12 pairs, hash c0ffee" in printed and "by 민지 (publish)" in printed
    assert "FAILED  lost half" in run("show", NAMES[3])


def test_an_empty_registry_says_what_to_do(data_dir):
    assert "manage.py makedata makes one" in run("list")
    assert json.loads(run("list", "--json")) == []


def test_publish_and_rollback(registry):
    printed = run("publish", NAMES[0])
    assert printed == f"{NAMES[0]} is live; manage.py models rollback goes back to {NAMES[2]}\n"
    assert registry.live_name() == NAMES[0]
    assert run("rollback") == f"{NAMES[2]} is live again\n"
    assert [one.reason for one in registry.publications()] == ["publish", "publish", "rollback"]


def test_a_rollback_to_nothing_says_what_to_do(registry):
    prune(registry, Retention(newest=0, ancestors=0))
    with pytest.raises(CommandError, match="choose another version with"):
        run("rollback")


def test_a_rejected_version_needs_force_and_a_yes(registry, monkeypatch):
    with pytest.raises(CommandError, match=r"lost half.*--force"):
        run("publish", NAMES[3])
    with pytest.raises(CommandError, match="--no-input"):
        run("publish", NAMES[3], "--force")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(CommandError, match="as it was"):
        run("publish", NAMES[3], "--force")
    assert registry.live_name() == NAMES[2]
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    run("publish", NAMES[3], "--force")
    assert registry.live_name() == NAMES[3]


def test_force_without_anybody_to_ask(registry):
    run("publish", NAMES[3], "--force", "--no-input")
    assert registry.publications()[-1].reason == "force"


@pytest.mark.parametrize("words", [("publish", "nope"), ("show", "20200101-000000-abcd"), ("prune", "--keep", "-1")])
def test_what_is_not_there_is_an_error(registry, words):
    with pytest.raises(CommandError):
        run(*words)


def test_prune_says_what_it_would_remove_and_then_removes_it(registry):
    assert "would be removed" in run("prune", "--keep", "1", "--ancestors", "0", "--dry-run")
    assert registry.names() == NAMES
    printed = run("prune", "--keep", "1", "--ancestors", "0")
    assert registry.names() == NAMES[2:]
    assert printed.splitlines()[-1].startswith("2 versions")
