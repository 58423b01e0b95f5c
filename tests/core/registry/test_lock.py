"""One process makes a run at a time, and the lock ends with it, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.registry import Registry, RegistryError

ROOT = Path(__file__).parents[3]
HOLDER = """
import sys, time
from pathlib import Path
from core.registry import Registry
registry = Registry(Path(sys.argv[1]))
with registry.lock():
    draft = registry.new_run()
    (draft.path / "train.req").write_text("half a corpus", encoding="utf-8")
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.slow
def test_a_second_process_is_refused_within_a_second_and_told_who_holds_it(holder, tmp_path):
    start = time.monotonic()
    with (
        pytest.raises(RegistryError, match=f"another makedata is running.*{holder.pid}"),
        Registry(tmp_path).lock(),
    ):
        pass
    assert time.monotonic() - start < 1


@pytest.mark.slow
def test_a_killed_holder_locks_nobody_out_and_its_draft_is_removed(holder, tmp_path):
    registry = Registry(tmp_path)
    assert len(list(registry.models_dir.iterdir())) == 1
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with registry.lock():
        assert list(registry.models_dir.iterdir()) == []
    assert registry.runs() == []


def test_the_lock_is_free_again_after_an_error(tmp_path):
    registry = Registry(tmp_path)
    with pytest.raises(ZeroDivisionError), registry.lock():
        raise ZeroDivisionError
    with registry.lock():
        registry.new_run()


def test_two_registries_in_one_process_exclude_each_other(tmp_path):
    with Registry(tmp_path).lock(), pytest.raises(RegistryError), Registry(tmp_path).lock():
        pass


def test_a_data_directory_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    with pytest.raises(RegistryError, match="lock"), Registry(tmp_path / "data").lock():
        pass
