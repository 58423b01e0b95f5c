"""The engine as a process: the real one where it fails at once, a fake one where it takes its time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.evolve import EvolveError, engine
from core.evolve.engine import EngineCall, last_words, run_engine

pytestmark = pytest.mark.slow  # every test here starts a process in the engine's place

ROOT = Path(__file__).parents[3]
SLOW = """
import os, sys, time
print("pid", os.getpid(), "nice", os.nice(0), "args", sys.argv[1:], flush=True)
time.sleep(60)
"""


@pytest.fixture
def fake_engine(tmp_path, monkeypatch):
    """Put a program in the place of `core.nmt`."""

    def install(code):
        package = tmp_path / "fake" / "core" / "nmt"
        package.mkdir(parents=True)
        (package / "__main__.py").write_text(code, encoding="utf-8")
        monkeypatch.setattr(engine, "_ROOT", tmp_path / "fake")
        return tmp_path / "fake"

    return install


@pytest.fixture
def call(tmp_path):
    return EngineCall({"num_units": 8, "residual": True}, tmp_path, tmp_path / "train.log", niceness=3)


def nothing():
    pass


def is_alive(pid):
    """Whether a process runs; one that ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for_pid(log):
    deadline = time.monotonic() + 10
    while True:
        words = log.read_text(encoding="utf-8").split() if log.exists() else []
        if "args" in words:
            return int(words[words.index("pid") + 1])
        assert time.monotonic() < deadline, "the engine did not start"
        time.sleep(0.02)


def test_the_log_begins_with_the_command_and_holds_all_the_engine_said(fake_engine, call):
    fake_engine("import sys; print('한국어'); print('to stderr', file=sys.stderr)")
    run_engine(call, nothing)
    command, *said = call.log.read_text(encoding="utf-8").splitlines()
    assert command == "$ python -m core.nmt --num_units=8 --residual=true"
    assert set(said) == {"한국어", "to stderr"}


def test_it_runs_in_the_draft_with_a_lower_priority(fake_engine, call):
    fake_engine("import os; print(os.getcwd(), os.nice(0))")
    run_engine(call, nothing)
    assert call.log.read_text(encoding="utf-8").splitlines()[-1] == f"{call.directory} {os.nice(0) + 3}"


def test_the_waiter_is_called_while_it_runs_and_once_after(fake_engine, call):
    fake_engine("import time; time.sleep(0.5); open('done', 'w').close()")
    seen = []
    run_engine(call, lambda: seen.append((call.directory / "done").exists()))
    assert seen[0] is False
    assert seen[-1] is True


def test_a_user_error_of_the_real_engine_is_passed_on_in_its_words(tmp_path):
    with pytest.raises(EvolveError, match=r"the engine failed: unknown flag --num_unit.*num_units"):
        run_engine(EngineCall({"num_unit": 8}, tmp_path, tmp_path / "train.log"), nothing)


def test_of_a_traceback_the_exception_is_passed_on(fake_engine, call):
    fake_engine("print('step 1'); raise ValueError('shapes differ')")
    with pytest.raises(EvolveError, match="the engine failed: ValueError: shapes differ"):
        run_engine(call, nothing)


def test_a_full_disk_comes_with_what_to_do(fake_engine, call):
    fake_engine("import sys; sys.exit('core.nmt: No space left on device: model')")
    with pytest.raises(EvolveError, match="the disk is full: free some space"):
        run_engine(call, nothing)


def test_an_engine_that_the_system_kills_is_told_as_such(fake_engine, call):
    fake_engine("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(EvolveError, match=r"SIGKILL.*memory"):
        run_engine(call, nothing)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_an_exception_while_waiting_ends_the_engine(fake_engine, call, error):
    fake_engine(SLOW)

    def give_up():
        if "args" in call.log.read_text(encoding="utf-8"):
            raise error

    with pytest.raises(error):
        run_engine(call, give_up)
    assert not is_alive(wait_for_pid(call.log))


PARENT = """
import sys
from pathlib import Path
from core.evolve import engine
engine._ROOT = Path(sys.argv[1])
log = Path(sys.argv[2])
try:
    with engine.sigterm_exits():
        engine.run_engine(engine.EngineCall({}, log.parent, log), lambda: None)
finally:
    print("cleaned up", flush=True)
"""


@pytest.fixture
def parent(fake_engine, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(fake_engine(SLOW)), str(tmp_path / "train.log")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def test_sigterm_ends_the_engine_and_lets_its_owner_clean_up(parent, tmp_path):
    pid = wait_for_pid(tmp_path / "train.log")
    parent.terminate()
    said, _ = parent.communicate(timeout=10)
    assert said == "cleaned up\n"
    assert parent.returncode == 143
    assert not is_alive(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_the_engine_does_not_outlive_an_owner_that_was_killed(parent, tmp_path):
    pid = wait_for_pid(tmp_path / "train.log")
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 5
    while is_alive(pid):
        assert time.monotonic() < deadline, "the engine lives on"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("$ python -m core.nmt\n", "it said nothing"),
        ("one\ncore.nmt: two\n\n  \n", "two"),
        ("x\n" * 99999 + "끝\n", "끝"),
    ],
)
def test_last_words(tmp_path, log, words):
    (tmp_path / "log").write_text(log, encoding="utf-8")
    assert last_words(tmp_path / "log") == words


def test_a_server_of_its_own_answers_as_it_is_asked(tmp_path):
    model = ROOT / "data" / "initial" / "model"
    (tmp_path / "asked").write_text("이름이 뭐야?\n이름이뭐야?\n", encoding="utf-8")
    flags = {"out_dir": str(model), "questions": "asked", "answers": "answered", "analyser": "mecab"}
    run_engine(EngineCall(flags, tmp_path, tmp_path / "train.log", module="core.reply"), nothing)
    first, _ = (tmp_path / "answered").read_text(encoding="utf-8").splitlines()
    assert first == "제 이름은 자람이에요. 쑥쑥 자라라는 뜻이 담겨 있어요."


def test_a_model_that_no_server_can_load_is_told_in_its_words(tmp_path):
    (tmp_path / "asked").write_text("이름이 뭐야?\n", encoding="utf-8")
    flags = {"out_dir": "model", "questions": "asked", "answers": "answered", "analyser": "mecab"}
    with pytest.raises(EvolveError, match="the engine failed: no model in model: name the model/ directory of a run"):
        run_engine(EngineCall(flags, tmp_path, tmp_path / "train.log", module="core.reply"), nothing)
