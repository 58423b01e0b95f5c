"""kill -9 at any moment: what is live stays whole, and the next start goes on or begins anew, and says which."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.corpus import Pair
from core.evolve import EvolveSettings, evolve
from core.registry import Registry

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
MOMENTS = 20

# Forks a run for every line with a number of seconds, kills it after them, and says how the next one begins. Its engine
# trains by writing checkpoints, one after another, and answers by what it noted.
NURSERY = """
import json, logging, os, shutil, signal, sys, time
from pathlib import Path
from core.corpus import Pair
from core.evolve import EvolveSettings, evolve
from core.registry import Registry
from core.text import Tokenizer

STEPS, PAUSE = 12, 0.02
registry = Registry(Path(sys.argv[1]))
settings = EvolveSettings(analyser="mecab", min_free_bytes=0, from_scratch=True)

def engine(call, on_wait):
    directory, model = call.directory, call.directory / "model"
    call.log.touch()
    if "train_prefix" in call.flags:
        checkpoint = model / "ckpt" / "checkpoint"
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        done = int(checkpoint.read_text()) if checkpoint.exists() else 0
        for step in range(done + 1, STEPS + 1):
            time.sleep(PAUSE)
            fresh = checkpoint.with_name("fresh")
            fresh.write_text(str(step))
            fresh.replace(checkpoint)
        (model / "hparams.json").write_text("{}")
        (model / "weights").write_text((directory / "train.rep").read_text())
        return
    known = dict(zip(*((directory / f"train.{side}").read_text().splitlines() for side in ("req", "rep"))))
    if call.module == "core.reply":
        known = {Tokenizer.join(q.split(" ")): Tokenizer.join(a.split(" ")) for q, a in known.items()}
    asked, answered = (
        (call.flags[name] for name in (("questions", "answers") if call.module == "core.reply"
        else ("inference_input_file", "inference_output_file")))
    )
    time.sleep(PAUSE)
    lines = (directory / asked).read_text().splitlines()
    (directory / answered).write_text("".join(f"{known[line]}\\n" for line in lines))

def learn(count):
    pairs = [Pair(f"질문 {n} 뭐야?", f"대답 {n} 이에요.", row=n) for n in range(count)]
    return evolve(pairs, registry=registry, settings=settings, on_progress=lambda p: None, runner=engine)

def whole():
    registry.verify(registry.current())
    for run in registry.runs():
        registry.verify(run)
        assert not (run.path / "draft.json").exists()

learn(3)
count = 3
for line in sys.stdin:
    count += 1
    child = os.fork()
    if not child:
        learn(count)
        os._exit(0)
    time.sleep(float(line))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    whole()
    before = registry.current().manifest.corpus["train"]
    with registry.lock():
        left = len(registry.drafts())
    start = time.monotonic()
    summary = learn(count)
    whole()
    print(json.dumps({"before": before, "left": left, "resumed": summary.resumed, "said": summary.leftovers,
        "learned": registry.current().manifest.corpus["train"], "wanted": count, "status": summary.status,
        "drafts": sum(path.name.startswith(".") for path in registry.models_dir.iterdir()),
        "seconds": time.monotonic() - start}), flush=True)
"""


@pytest.fixture(scope="module")
def lives(tmp_path_factory):
    """What came of a run that was killed at each of `MOMENTS` random moments."""
    rng = random.Random(4)
    nursery = subprocess.Popen(
        [sys.executable, "-c", NURSERY, str(tmp_path_factory.mktemp("killed") / "data")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    found, span = [], 0.3
    try:
        for _ in range(MOMENTS):
            nursery.stdin.write(f"{rng.uniform(0, 1.2 * span)}\n")
            nursery.stdin.flush()
            found.append(json.loads(nursery.stdout.readline()))
            if not found[-1]["resumed"]:  # how long a whole run takes here
                span = found[-1]["seconds"]
    finally:
        nursery.kill()
        nursery.communicate()
    return found


def test_the_live_model_is_whole_after_every_kill_and_holds_what_it_held_or_all_that_is_new(lives):
    assert len(lives) == MOMENTS  # the nursery checks every sum after every kill, and ends when one differs
    assert {life["wanted"] - life["before"] for life in lives} <= {0, 1}


def test_the_next_start_ends_with_a_published_version_and_leaves_nothing_behind(lives):
    assert {(life["status"], life["drafts"]) for life in lives} == {("published", 0)}
    assert all(life["learned"] == life["wanted"] for life in lives)


def test_the_next_start_says_what_became_of_what_was_left(lives):
    for life in lives:
        words = "going on with" if life["resumed"] else "beginning anew" if life["left"] else ""
        assert life["said"].startswith(words)
        assert bool(life["said"]) == bool(life["left"])
    assert {life["resumed"] for life in lives} == {True, False}


PAIRS = [Pair(f"{word} 뭐야?", f"{word}는 {word}예요.") for word in ("사과", "바다", "하늘", "나무", "노래")]
REAL = EvolveSettings(
    analyser="mecab",
    engine={
        "num_units": 32,
        "num_layers": 1,
        "attention": "scaled_luong",
        "optimizer": "adam",
        "learning_rate": 0.02,
        "dropout": 0.0,
        "batch_size": 5,
        "num_train_steps": 200,
        "known_targets": True,
    },
    threads=1,
    min_free_bytes=0,
)
LEARNER = """
import sys
from pathlib import Path
from tests.core.evolve.test_killed import PAIRS, REAL
from core.evolve import evolve
from core.registry import Registry
evolve(PAIRS, registry=Registry(Path(sys.argv[1])), settings=REAL, on_progress=lambda progress: None)
"""


def test_the_real_engine_goes_on_from_its_checkpoint(tmp_path):
    registry = Registry(tmp_path / "data")
    learner = [sys.executable, "-c", LEARNER, str(registry.data_dir)]
    process = subprocess.Popen(learner, cwd=ROOT)
    deadline = time.monotonic() + 180  # TensorFlow starts and compiles, on a machine that may be busy
    try:
        while not list(registry.models_dir.glob(".draft-*/model/ckpt/checkpoint")):
            assert process.poll() is None and time.monotonic() < deadline, "no checkpoint came"
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert registry.current() is None
    summary = evolve(PAIRS, registry=registry, settings=REAL, on_progress=lambda progress: None)
    assert (summary.status, summary.resumed, summary.learned) == ("published", True, len(PAIRS))
    log = (registry.current().path / "train.log").read_text(encoding="utf-8")
    resumed = log.split("$ python")[2].splitlines()
    first = next(line.split()[2] for line in resumed if line.startswith("train step"))
    assert int(first.partition("/")[0]) > 10  # the first checkpoint's
