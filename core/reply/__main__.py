"""Answer a file of questions by the engine alone, loaded as a server loads it: `python -m core.reply --help`.

A new model version is tried with it in a process of its own before anybody is answered by it. The same process fits its
calibration, as it has loaded the model.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from core.errors import JaramError
from core.reply.calibration import CALIBRATION
from core.reply.model import LiveModel
from core.reply.responder import Responder
from core.text import ANALYSERS, Tokenizer, get_analyser

_PATIENCE = 120.0  # seconds for one answer; nobody is waiting for it


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m core.reply", description="Answer each line of a file.", allow_abbrev=False
    )
    parser.add_argument("--out_dir", type=Path, required=True, help="the model/ directory of a run")
    parser.add_argument("--questions", type=Path, required=True, help="a file with a question a line")
    parser.add_argument("--answers", type=Path, required=True, help="the file to write, with an answer a line")
    parser.add_argument("--analyser", choices=ANALYSERS, default=ANALYSERS[0], help="what finds morphemes")
    parser.add_argument("--calibrate", choices=("true", "false"), default="false", help="fit the run's calibration too")
    return parser.parse_args(argv)


def calibrate(model: LiveModel, model_dir: Path, analyser: str) -> None:
    """Write the calibration of a run beside its `model_dir`, where it held out questions enough to fit one."""
    from core.reply.fitting import fit  # with NumPy, which must not be loaded before its threads are limited

    if model.own_memory is None:
        return
    fitted = fit(model, model_dir, model.own_memory, Tokenizer(get_analyser(analyser)))
    if fitted is not None:
        fitted.save(model_dir.resolve().parent / CALIBRATION)


def main(argv: Sequence[str]) -> int:
    """Answer the file; the process's exit code."""
    options = parse(argv)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one answer is too little work to be shared out
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # Keras, which nothing here uses, need not be loaded
    try:
        questions = options.questions.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        with Responder.open(
            options.out_dir,
            out_dir=options.out_dir,
            analyser=options.analyser,
            timeout=_PATIENCE,
            watch=False,
        ) as responder:
            answers = [responder.reply(question, mode="neural").text for question in questions]
            if options.calibrate == "true":
                calibrate(responder.live, options.out_dir, options.analyser)
        options.answers.write_text("".join(f"{answer}\n" for answer in answers), encoding="utf-8")
    except (JaramError, OSError, UnicodeError) as error:
        sys.stderr.write(f"core.reply: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
