"""One question to every kept version: answers side by side, limits that hold, reasons where there is none."""

import json
import threading

import pytest

from core.nmt.errors import NmtError
from core.registry import Manifest, Registry
from core.registry.durable import sha256_of
from core.reply import ReplyBusy, ReplyError, ReplyTimeout
from core.reply.lineup import Lineup, Room
from core.reply.loading import load_model

NAMES = [f"20260101-00000{number}-abcd" for number in range(4)]


@pytest.fixture
def registry(tmp_path):
    """Four versions with 1,000 bytes of weights each; nothing in them is a model."""
    for name in NAMES:
        weights = tmp_path / "models" / name / "model" / "best" / "weights"
        weights.parent.mkdir(parents=True)
        weights.write_bytes(b"0" * 1000)
        manifest = Manifest(run=name, created_at="now", files={"model/best/weights": sha256_of(weights)})
        (tmp_path / "models" / name / "manifest.json").write_text(json.dumps(manifest.to_dict()))
    return Registry(tmp_path)


@pytest.fixture
def open_lineup(registry, tokenizer, fake_translator):
    lineups = []

    def make(translators=None, **options):
        def load(ref):
            return (translators or {}).get(ref.name) or fake_translator(prefix=f"▁{ref.name[-6]}")

        lineup = Lineup(registry, tokenizer, lambda ref: load_model(ref, load, tokenizer), **options)
        lineups.append(lineup)
        return lineup

    yield make
    for lineup in lineups:
        lineup.close()


def test_every_version_answers_for_itself(open_lineup):
    lineup = open_lineup()
    replies = [lineup.ask(name, "안녕", timeout=20) for name in NAMES]
    assert [reply.text for reply in replies] == ["0 안녕", "1 안녕", "2 안녕", "3 안녕"]
    assert [reply.model for reply in replies] == NAMES


def test_the_version_asked_longest_ago_makes_room(open_lineup):
    lineup = open_lineup(room=Room(models=2))
    for index in (0, 1, 0, 2):
        lineup.ask(NAMES[index], "안녕", timeout=20)
    assert lineup.kept == [NAMES[0], NAMES[2]]


def test_no_more_bytes_are_kept_than_there_is_room_for(open_lineup):
    lineup = open_lineup(room=Room(bytes=2500))
    for name in NAMES:
        lineup.ask(name, "안녕", timeout=20)
    assert lineup.kept == NAMES[2:]


def test_a_version_that_is_larger_than_the_room_is_refused(open_lineup):
    with pytest.raises(ReplyError, match="0 MB set aside"):
        open_lineup(room=Room(bytes=999)).ask(NAMES[0], "안녕", timeout=20)


def test_models_are_given_back_when_nobody_asks(open_lineup, wait_until):
    lineup = open_lineup(room=Room(idle_seconds=0.02))
    lineup.ask(NAMES[0], "안녕", timeout=20)
    wait_until(lambda: lineup.kept == [])


def test_a_slow_version_times_out_and_is_there_the_next_time(open_lineup, fake_translator, wait_until):
    slow = fake_translator(prefix="▁slow")
    loaded = threading.Event()
    slow.warm_up = lambda: loaded.wait(5)
    lineup = open_lineup({NAMES[0]: slow})
    with pytest.raises(ReplyTimeout, match=r"0\.02 seconds"):
        lineup.ask(NAMES[0], "안녕", timeout=0.02)
    loaded.set()
    wait_until(lambda: lineup.kept == NAMES[:1])
    assert lineup.ask(NAMES[0], "안녕", timeout=20).text == "slow 안녕"


def test_too_many_questions_are_refused(open_lineup, fake_translator, wait_until):
    blocked, running = threading.Event(), threading.Event()
    slow = fake_translator()
    slow.warm_up = lambda: running.set() or blocked.wait(5)
    lineup = open_lineup({NAMES[0]: slow}, queue_size=1)
    asking = [
        threading.Thread(target=lambda: lineup.ask(NAMES[0], "안녕", timeout=20), name=f"model-{i}") for i in range(2)
    ]
    asking[0].start()
    assert running.wait(5)
    asking[1].start()
    try:
        wait_until(lambda: len(lineup._batcher._waiting) == 1)
        with pytest.raises(ReplyBusy):
            lineup.ask(NAMES[1], "안녕", timeout=20)
    finally:
        blocked.set()
        for thread in asking:
            thread.join()


def test_reasons_are_told_and_the_others_still_answer(open_lineup, registry, fake_translator):
    (registry.models_dir / NAMES[0] / "model" / "best" / "weights").write_bytes(b"1" * 1000)
    (registry.models_dir / NAMES[1] / "manifest.json").write_text("{")
    refused = fake_translator(warm_up_error=NmtError("no such layer"))
    lineup = open_lineup({NAMES[2]: refused})
    reasons = {
        NAMES[0]: "SHA-256",
        NAMES[1]: "cut short",
        NAMES[2]: "no such layer",
        "19990101-000000-0000": "no model",
    }
    for name, reason in reasons.items():
        with pytest.raises(ReplyError, match=reason):
            lineup.ask(name, "안녕", timeout=20)
    assert lineup.ask(NAMES[3], "안녕", timeout=20).text == "3 안녕"


def test_a_file_that_is_gone_is_a_reason_too(open_lineup, registry):
    (registry.models_dir / NAMES[0] / "model" / "best" / "weights").unlink()
    with pytest.raises(ReplyError, match="can't be read"):
        open_lineup().ask(NAMES[0], "안녕", timeout=20)
