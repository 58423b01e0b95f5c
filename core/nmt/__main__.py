"""`python -m core.nmt`: train, answer a file, or score a model. User errors end in one line and exit code 2."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from core.nmt.configuration import configure
from core.nmt.errors import NmtError
from core.nmt.flags import CommandLine, help_text, parse
from core.nmt.hparams import HParams
from core.nmt.pace import Pace

if TYPE_CHECKING:
    from core.nmt.training import Event


def main(argv: Sequence[str]) -> int:
    """Run one command; the process's exit code."""
    if any(word in ("-h", "--help") for word in argv):
        sys.stdout.write(help_text())
        return 0
    try:
        command = parse(argv)
        configuration = configure(command)
        for note in configuration.notes:
            sys.stdout.write(f"{note}\n")
        _work(command)(command, configuration.hparams, configuration.directory)
    except NmtError as error:
        sys.stderr.write(f"core.nmt: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"core.nmt: {error.strerror or error}: {error.filename or 'free some disk space'}\n")
        return 2
    return 0


def _work(command: CommandLine) -> Callable[[CommandLine, HParams, Path], None]:
    """What the command is for: to answer a file, to score dev or test with what is there, or to train."""
    if "inference_input_file" in command.paths:
        return _infer
    scored = "train_prefix" not in command.paths and {"dev_prefix", "test_prefix"} & command.paths.keys()
    return _score if scored else _train


def _quiet_tensorflow(hparams: HParams) -> None:
    """Import TensorFlow, which takes seconds, only when the command is known to make sense."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Keras 2 would come from a package that is not there, so no Keras is loaded, which nothing here uses.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    # Batches are answered in threads of their own; NumPy's would only wait for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Freed memory is kept: the C library gives large tensors back to the system, which clears every page anew.
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    import tensorflow as tf

    tf.debugging.set_log_device_placement(hparams.log_device_placement)
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and hparams.num_gpus is not None:
        tf.config.set_visible_devices(gpus[: hparams.num_gpus], "GPU")

    # 0 is what TensorFlow does by itself. To say so would be an error in a process that has used it already.
    if hparams.num_inter_threads:
        tf.config.threading.set_inter_op_parallelism_threads(hparams.num_inter_threads)
    if hparams.num_intra_threads:
        tf.config.threading.set_intra_op_parallelism_threads(hparams.num_intra_threads)


def _infer(command: CommandLine, hparams: HParams, out_dir: Path) -> None:
    paths, options = command.paths, command.options
    source, target = command.path("inference_input_file"), command.path("inference_output_file")
    for name in ("inference_input_file", "inference_ref_file"):
        if name in paths and not paths[name].is_file():
            raise NmtError(f"no file {paths[name]}: check --{name}")
    _quiet_tensorflow(hparams)
    from core.nmt.inference import FileTask, answer_file, score_file
    from core.nmt.jobs import Job
    from core.nmt.original_model import Places

    task = FileTask(
        source,
        target,
        paths.get("nbest_output_file"),
        paths.get("alignments_output_file"),
        options.inference_indices,
        Job(options.jobid, options.num_workers),
    )
    places = Places(paths.get("ckpt"), paths.get("vocab_prefix"), paths.get("embed_prefix"))
    result = answer_file(out_dir, task, hparams, _answer_reporter(), places)
    if result.answers is None:
        sys.stdout.write(f"{result.answered} of {result.lines} lines answered; the last job writes {target}\n")
        return
    sys.stdout.write(f"{result.lines} answers in {target}\n")
    if "inference_ref_file" in paths:
        for name, value in score_file(result, task, paths["inference_ref_file"], hparams).items():
            sys.stdout.write(f"  {name}: {value:.1f}\n")


def _answer_reporter() -> Callable[[int, int], None]:
    """A function that tells on standard error, now and then, how many lines are answered."""
    pace = Pace()

    def report(done: int, total: int) -> None:
        if done < total and pace.due():
            sys.stderr.write(f"answered {done}/{total} eta_s {pace.left(done, total):.0f}\n")
            sys.stderr.flush()

    return report


def _score(command: CommandLine, hparams: HParams, out_dir: Path) -> None:
    _quiet_tensorflow(hparams)
    from core.nmt.original_model import Places
    from core.nmt.scoring import score_model

    paths = command.paths
    corpora = {name: paths[f"{name}_prefix"] for name in ("dev", "test") if f"{name}_prefix" in paths}
    places = Places(paths.get("ckpt"), paths.get("vocab_prefix"), paths.get("embed_prefix"))
    for corpus, scores in score_model(out_dir, corpora, hparams, places).items():
        # As tensorflow/nmt prints them: perplexity with two digits, the others with one.
        shown = (f"{corpus} {name} {value:.{2 if name == 'ppl' else 1}f}" for name, value in scores.items())
        sys.stdout.write(", ".join(shown) + "\n")


def _train(command: CommandLine, hparams: HParams, out_dir: Path) -> None:
    vocab, train_prefix = command.path("vocab_prefix"), command.path("train_prefix")
    _quiet_tensorflow(hparams)
    from core.nmt.goals import GoalSettings
    from core.nmt.training import DataPrefixes, train

    others = {name: command.paths.get(f"{name}_prefix") for name in ("dev", "test", "embed", "goal", "keep")}
    data = DataPrefixes(vocab, train_prefix, **others, init_from=command.paths.get("init_from"))
    options = command.options
    goals = GoalSettings(options.goal_share, options.steps_per_goal_check, options.max_lost)
    if path := command.paths.get("progress_file"):
        with path.open("a", encoding="utf-8") as progress:
            train(hparams, data, out_dir, _reporter(progress), goals)
    else:
        train(hparams, data, out_dir, _reporter(None), goals)


def _reporter(progress: TextIO | None) -> Callable[[Event], None]:
    """A function that prints an event as a log line, and writes it to the progress file."""

    def report(event: Event) -> None:
        shown = " ".join(f"{k} {_shown(k, v)}" for k, v in event.values.items() if k != "step")
        sys.stdout.write(f"{event.phase} step {event.step}/{event.total} {shown}\n")
        sys.stdout.flush()
        if progress:
            line = {"phase": event.phase, "step": event.step, "total": event.total, **event.values}
            progress.write(json.dumps(line) + "\n")
            progress.flush()

    return report


def _shown(name: str, value: float) -> str:
    """A value for a log line; perplexity as tensorflow/nmt prints it."""
    return f"{value:.2f}" if name.endswith("ppl") else f"{value:.4g}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
