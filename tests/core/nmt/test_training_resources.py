"""What training asks of a machine: time to its first step, memory, and more devices than one. Each in a process of its
own, so that only the engine is measured."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from core.nmt.vocab import SPECIALS, write_vocab

pytestmark = pytest.mark.slow  # every test here starts a process that trains

ROOT = Path(__file__).parents[3]
MEGABYTE = 1 << 20


class Moment(NamedTuple):
    """A process at one of its log lines: seconds since it was started, bytes resident now and at most so far."""

    step: int
    seconds: float
    resident: int
    most: int
    values: dict[str, float]


def moment(process, started, line):
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
    size = {
        name: int(rest.split()[0]) * 1024
        for name, _, rest in (x.partition(":") for x in status)
        if "VmRSS" in name or "VmHWM" in name
    }
    user, system = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    # On a machine that has other work the clock says more of that than of this process.
    seconds = min(time.monotonic() - started, (int(user) + int(system)) / os.sysconf("SC_CLK_TCK"))
    _, _, step, *words = line.split()
    values = dict(zip(words[::2], map(float, words[1::2]), strict=True))
    return Moment(int(step.partition("/")[0]), seconds, size["VmRSS"], size["VmHWM"], values)


def run(directory, before="", out_dir="model", **flags):
    """Train as the command does; a `Moment` for each log line. `before` is run first in its process."""
    prefixes = {f"{name}_prefix": name for name in ("vocab", "train")}
    arguments = [f"--{name}={value}" for name, value in {"out_dir": out_dir, **prefixes, **flags}.items()]
    driver = f"import sys\n{before}\nfrom core.nmt.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    started = time.monotonic()
    with (directory / "errors").open("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", driver, *arguments],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        moments = [moment(process, started, line) for line in process.stdout if line.startswith("train ")]
        errors.seek(0)
        assert process.wait() == 0, errors.read()[-2000:]
    return moments


def write_corpus(directory, pairs, vocab_size, longest, seed=3):
    """Random sentences of up to `longest` tokens, short tokens likelier."""
    rng = np.random.default_rng(seed)
    words = [f"w{i}" for i in range(vocab_size)]
    for suffix in ("req", "rep"):
        write_vocab(directory / f"vocab.{suffix}", [*SPECIALS, *words])
        with (directory / f"train.{suffix}").open("w", encoding="utf-8") as file:
            for at in range(0, pairs, 10_000):
                count = min(10_000, pairs - at)
                lengths = rng.integers(1, longest + 1, count)
                ids = iter((vocab_size * rng.random(int(lengths.sum())) ** 3).astype(int).tolist())
                file.writelines(" ".join(words[next(ids)] for _ in range(n)) + "\n" for n in lengths.tolist())


def test_memory_stays_flat_over_steps(tmp_path):
    write_corpus(tmp_path, pairs=2000, vocab_size=500, longest=20)
    flags = {"num_units": 16, "attention": "scaled_luong", "optimizer": "adam", "batch_size": 16}
    moments = run(tmp_path, num_train_steps=600, steps_per_stats=100, steps_per_external_eval=100, **flags)
    resident = {moment.step: moment.resident for moment in moments}
    # Another 400 batches of all widths, and four checkpoints, after the first epoch and a half.
    assert resident[600] - resident[200] < 10 * MEGABYTE


def test_a_million_pairs_train_in_less_than_two_gigabytes(tmp_path):
    write_corpus(tmp_path, pairs=1_000_000, vocab_size=8000, longest=16)
    flags = {"num_units": 128, "num_layers": 4, "attention": "scaled_luong", "optimizer": "adam"}
    moments = run(tmp_path, num_train_steps=5, steps_per_stats=1, **flags)
    assert [moment.step for moment in moments] == [1, 2, 3, 4, 5]
    assert moments[-1].most < 2000 * MEGABYTE


def test_training_begins_within_twenty_seconds(tmp_path):
    # As many pairs and words as the Korean chat corpus has.
    write_corpus(tmp_path, pairs=11_000, vocab_size=7800, longest=16)
    flags = {"num_units": 128, "num_layers": 4, "attention": "scaled_luong", "optimizer": "adam"}
    [first] = run(tmp_path, num_train_steps=1, steps_per_stats=1, **flags)
    assert first.seconds < 20


# Two halves of the processor in the place of two GPUs.
TWO_DEVICES = """
import tensorflow as tf
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], halves)
listed = tf.config.list_logical_devices
tf.config.list_logical_devices = lambda kind=None: listed("CPU" if kind == "GPU" else kind)
"""


@pytest.mark.parametrize("members", [1, 2])
def test_two_devices_do_what_one_does(tmp_path, members):
    write_corpus(tmp_path, pairs=60, vocab_size=40, longest=8)
    flags = {"num_units": 8, "num_layers": 1, "attention": "luong", "dropout": 0.0, "init_weight": 0.5}
    # Unclipped: a norm counts the rows of an embedding one by one on one device, and summed on several. So the rate is
    # one at which the loss falls: where it grows without bound, the last digit of a sum becomes the first of the loss.
    flags |= {"max_gradient_norm": 1e6, "learning_rate": 0.2}
    # Seven sentences are four and three.
    flags |= {"members": members, "batch_size": 7, "num_train_steps": 8, "steps_per_stats": 1}
    alone = run(tmp_path, out_dir="alone", **flags)
    together = run(tmp_path, TWO_DEVICES, out_dir="together", **flags)
    chosen = run(tmp_path, TWO_DEVICES, out_dir="chosen", num_gpus=1, **flags)
    told = [[moment.values["ppl"] for moment in moments] for moments in (alone, together, chosen)]
    assert len(told[0]) == 8
    assert min(told[0]) < 0.95 * told[0][0]  # the weights have changed so much that another update would show
    assert told[1] == pytest.approx(told[0], rel=1e-3)
    assert told[2] == told[0]
