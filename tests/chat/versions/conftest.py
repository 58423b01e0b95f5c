"""Model versions as the registry keeps them, made by hand: no model is in them, and nothing is synced to the disk."""

import json
from dataclasses import asdict

import pytest

from core.evolve.gate import Bar
from core.evolve.receipt import Canary, ChangedAnswer, Correction, Receipt
from core.registry import Manifest, Registry
from core.registry.durable import sha256_of

FIRST, SECOND, THIRD = (f"20260101-00000{number}-abcd" for number in (1, 2, 3))

LEARNED = Bar("learned", True, 0.975, 0.95, "learned 39 of 40 corrections")
LOST = Bar("lost", False, 0.034, 0.01, "lost 34 of 1,000 earlier answers")
CANARIES = Bar("canaries", True, None, 1.0, "no answers that must always hold")


@pytest.fixture
def registry(data_dir):
    return Registry(data_dir)


@pytest.fixture
def make_version(registry):
    """Write a version's directory: ``rows`` are (question, answer, given) in tokens, ``bars`` what the gate said."""

    def make(name, *, rows=(), bars=None, receipt=None, progress=(), **manifest):
        directory = registry.models_dir / name if name != "initial" else registry.initial_dir
        (directory / "model").mkdir(parents=True)
        weights = directory / "model" / "hparams.json"
        weights.write_text("{}")
        for column, suffix in enumerate(("req", "rep", "hyp")):
            lines = "".join(f"{row[column]}\n" for row in rows)
            (directory / f"train.{suffix}").write_text(lines, encoding="utf-8")
        (directory / "progress.jsonl").write_text("\n".join(map(json.dumps, progress)))
        if receipt is not None:
            receipt.write(directory / "receipt.json")
        if bars is not None:
            passed = all(bar.passed for bar in bars)
            manifest["gate"] = {"passed": passed, "forced": False, "bars": [asdict(bar) for bar in bars]}
        fields = {"created_at": "2026-01-01T00:00:00+00:00", "files": {"model/hparams.json": sha256_of(weights)}}
        content = Manifest(run=name, **(fields | manifest)).to_dict()
        (directory / "manifest.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return registry.get(name)

    return make


@pytest.fixture
def versions(registry, make_version):
    """Three versions, each the parent of the next; the second is live, the third was rejected."""
    corpus = {"hash": "c0ffee" + 58 * "0", "seen": 3, "train": 2, "dev": 0, "test": 1, "train_questions": 2}
    scores = {"uptake": 0.5, "trained_questions": 2, "heldout_bleu": 12.3, "heldout_chrf": 23.4, "heldout_pairs": 1}
    curve = [{"phase": "train", "step": step, "ppl": 1000 / step} for step in (10, 20, 30)]
    make_version(FIRST, rows=[("▁안녕", "▁반가워 요", "▁몰라 요"), ("▁잘 ▁가", "▁또 ▁봐", "▁또 ▁봐")], corpus=corpus)
    make_version(
        SECOND,
        rows=[("▁안녕", "▁반가워 요", "▁반가워 요"), ("▁잘 ▁자", "▁네", "▁네")],
        parent=FIRST,
        corpus=corpus | {"train": 3},
        metrics=scores,
        hparams={"num_units": 256},
        progress=curve,
        bars=[LEARNED, CANARIES],
        receipt=receipt_of(FIRST),
    )
    make_version(THIRD, parent=SECOND, bars=[LEARNED, LOST], metrics=scores | {"uptake": 0.75})
    registry.publish(registry.get(FIRST), by="setup")
    registry.publish(registry.get(SECOND), by="민지")
    return registry


def receipt_of(parent=None, rows=()):
    """A receipt with two corrections, one change for the worse, and two answers that must hold."""
    row = rows[0] if rows else None
    return Receipt(
        run="",
        parent=parent,
        corrections=(
            Correction(row, "안녕", "반가워요", "몰라요", "반가워요", True),
            Correction(None, "<script>뭐 해?</script>", "쉬어요", None, "=cmd()", False),
        ),
        changed=(ChangedAnswer(None, "잘 가", "또 봐", "또 봐", "글쎄요", "worse"),),
        canaries=(
            Canary(None, "누구야?", "자람이에요", "자람이에요", True),
            Canary(None, "이름?", "자람", "몰라", False),
        ),
    )


@pytest.fixture
def staff(client, boss):
    client.force_login(boss)
    client.cookies["django_language"] = "ko"
    return client
