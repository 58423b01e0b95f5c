"""The trainer as a process, with the real engine on a small model: cancelled, killed, stopped, and never twice."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chat.management.commands.trainer import LOCKED
from core.registry import Registry

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
LONG, SHORT = 100_000, 40  # steps
PATIENCE = 180.0  # seconds


class Site:
    """An installation's data, and the trainers that were started on it."""

    def __init__(self, directory):
        self.data_dir = directory / "data"
        self.data_dir.mkdir()
        self.log = directory / "log"
        self.started = []

    def trainer(self, steps):
        given = {"DATA_DIR": str(self.data_dir), "SECRET_KEY": "for-a-test", "TRAINING_PRIORITY": "normal"}
        unwanted = ("DATABASE_URL", "OUT_DIR", "TRAIN_AT")
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("trainer_process.py"), str(steps)],
                cwd=ROOT,
                env={k: v for k, v in os.environ.items() if k not in unwanted} | given | {"PYTHONPATH": str(ROOT)},
                stderr=log,
            )
        self.started.append(process)
        return process

    def query(self, sql):
        with contextlib.closing(sqlite3.connect(self.data_dir / "db.sqlite3", timeout=20)) as database, database:
            return database.execute(sql).fetchall()

    def until(self, sql):
        """Wait until a query finds something, and return it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(sqlite3.OperationalError):  # the tables are being made
                if found := self.query(sql):
                    return found
            time.sleep(0.1)
        raise AssertionError(f"{sql} found nothing in time:\n{self.log.read_text(encoding='utf-8')}")

    def until_it_trains(self):
        self.until("SELECT id FROM chat_trainingrun WHERE status = 'running' AND progress LIKE '%train%'")
        assert self.engines()

    def statuses(self):
        return [status for (status,) in self.query("SELECT status FROM chat_trainingrun ORDER BY id")]

    def engines(self):
        """The engines that work for this site."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.readlink(process / "cwd").startswith(str(self.data_dir / "models")):
                    found.append(int(process.name))
        return found


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    for process in site.started:
        process.kill()
        process.wait()


def test_a_trainer_is_cancelled_killed_and_stopped_and_the_next_one_goes_on(site):
    trainer = site.trainer(LONG)
    site.until_it_trains()

    second = site.trainer(LONG)
    assert second.wait(PATIENCE) == LOCKED
    assert f"another trainer is running (process {trainer.pid})" in site.log.read_text(encoding="utf-8")

    start = time.monotonic()
    site.query("UPDATE chat_trainingrun SET cancel_requested = 1")
    site.until("SELECT id FROM chat_trainingrun WHERE status = 'cancelled'")
    assert time.monotonic() - start < 10
    assert site.engines() == []
    assert Registry(site.data_dir).current() is None

    columns = ", ".join(name for (_, name, *_) in site.query("PRAGMA table_info(chat_trainingrun)") if name != "id")
    again = columns.replace("status", "'queued'").replace("finished_at", "NULL").replace("started_at", "NULL")
    again = again.replace("cancel_requested", "0").replace("progress", "'{}'")
    site.query(f"INSERT INTO chat_trainingrun ({columns}) SELECT {again} FROM chat_trainingrun WHERE id = 1")
    site.until_it_trains()
    trainer.kill()
    trainer.wait()
    assert site.statuses() == ["cancelled", "running"]

    trainer = site.trainer(LONG)
    site.until("SELECT id FROM chat_trainingrun WHERE status = 'interrupted'")
    assert "training 2 was killed half-way: training 3 takes it up again" in site.log.read_text(encoding="utf-8")
    site.until_it_trains()
    trainer.send_signal(signal.SIGTERM)
    assert trainer.wait(PATIENCE) == 0
    assert site.engines() == []
    assert site.statuses() == ["cancelled", "interrupted", "interrupted", "queued"]

    site.trainer(SHORT)
    site.until("SELECT id FROM chat_trainingrun WHERE id = 4 AND finished_at IS NOT NULL")
    assert site.statuses()[-1] == "done"
    live = Registry(site.data_dir).current()
    assert site.query("SELECT version FROM chat_trainingrun WHERE id = 4") == [(live.name,)]
