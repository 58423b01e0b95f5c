"""Talk with Jaram in a terminal or through a pipe: no Django, no database.

    python chat.py                                  the live model
    python chat.py --out_dir=data/current/model     a model named by hand
    python chat.py < questions.txt > answers.txt    one answer line per question line

It parses the command line and moves lines; the answers are `core.reply`'s.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn, TextIO

from core.errors import JaramError
from core.reply import MODES, Reply, ReplyTimeout, Responder
from core.text import ANALYSERS

GREETING = "안녕하세요, 자람이에요. 편하게 말을 걸어 주세요. (그만하려면 '종료')"
GOODBYE = "이야기 나눠서 즐거웠어요. 또 만나요!"
QUIT = "종료"
PROMPT = "> "

_BASE_DIR = Path(__file__).resolve().parent
_AHEAD = 128  # lines that may wait for their answers; below the responder's queue, so that it is never too busy
_PATIENCE = 120.0  # seconds for one answer; nobody else is waiting here


class _Parser(argparse.ArgumentParser):
    """argparse, with errors of one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}: see --help\n")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line; ends the process with exit code 2 when it makes no sense."""
    parser = _Parser(prog="chat.py", description="Talk with Jaram in the terminal.", allow_abbrev=False)
    parser.add_argument(
        "--out_dir",
        type=Path,
        default=os.environ.get("OUT_DIR") or None,
        help="a model/ directory to use in place of the live model (default: the environment's OUT_DIR)",
    )
    parser.add_argument(
        "--beam_width", type=_beam_width, help="beams of the search, 0 is greedy (default: as the model says)"
    )
    parser.add_argument(
        "--analyser",
        choices=ANALYSERS,
        default=os.environ.get("ANALYSER", "").strip() or ANALYSERS[0],
        help="what splits Korean into morphemes (default: the environment's ANALYSER, else konlpy)",
    )
    parser.add_argument(
        "--reply_mode",
        choices=MODES,
        default=os.environ.get("REPLY_MODE", "").strip() or MODES[0],
        help="who answers: what the model was trained with and the engine together, the engine alone, or what it was "
        "trained with alone (default: the environment's REPLY_MODE, else hybrid)",
    )
    return parser.parse_args(argv)


def _beam_width(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number, 0 or above")
    return int(text)


def main(argv: Sequence[str]) -> int:
    """Run the console; the process's exit code."""
    options = parse(argv)
    _settle_streams()
    data_dir = Path(os.environ.get("DATA_DIR") or _BASE_DIR / "data")
    try:
        with Responder.open(
            data_dir,
            out_dir=options.out_dir,
            mode=options.reply_mode,
            beam_width=options.beam_width,
            analyser=options.analyser,
            timeout=_PATIENCE,
            watch=False,
        ) as responder:
            if sys.stdin.isatty():
                converse(responder, input)
            else:
                answer_lines(responder, sys.stdin, sys.stdout)
    except JaramError as error:
        sys.stderr.write(f"chat.py: {error}\n")
        return 2
    except BrokenPipeError:
        # Whoever read the answers has left. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    return 0


def converse(responder: Responder, ask: Callable[[str], str]) -> None:
    """Talk on a terminal until `종료`, Ctrl-D or Ctrl-C; `ask` shows a prompt and returns what was typed."""
    _say(GREETING)
    try:
        while (line := ask(PROMPT)).strip() != QUIT:
            _say(responder.reply(line).text)
    except (EOFError, KeyboardInterrupt):
        _say("")  # the prompt's line is still open
    _say(GOODBYE)


def answer_lines(responder: Responder, questions: Iterable[str], answers: TextIO) -> None:
    """Write exactly one answer line per question line, in order, each as soon as it and those before it are there.

    Lines are read on while answers are on their way, so that the engine gets many at once; a program that waits
    for each answer before it asks on gets each at once all the same.
    """

    failed = threading.Event()

    def write(reply: Future[Reply]) -> None:
        if failed.is_set():  # a later answer in the place of one that is missing would pass for it
            return
        try:
            answers.write(f"{_text(reply)}\n")
            answers.flush()
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(1, "console-writer") as writer:
        written: deque[Future[None]] = deque()
        try:
            for line in questions:
                written.append(writer.submit(write, responder.submit(line.rstrip("\r\n"))))
                while len(written) >= _AHEAD or (written and written[0].done()):
                    written.popleft().result()
            for future in written:
                future.result()
        finally:
            writer.shutdown(cancel_futures=True)


def _text(reply: Future[Reply]) -> str:
    try:
        return reply.result(_PATIENCE).text
    except TimeoutError as error:
        raise ReplyTimeout(f"no answer within {_PATIENCE:g} seconds") from error


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _settle_streams() -> None:
    """UTF-8 whatever the locale, lines that end in a newline alone, and a quiet engine."""
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(encoding="utf-8", errors="replace", newline="\n")  # type: ignore[union-attr]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one answer is too little work to be shared out
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # Keras, which nothing here uses, need not be loaded
    logging.basicConfig(level=logging.CRITICAL)  # what goes wrong is told once, by main
    if sys.stdin.isatty():
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  lets input() edit a line, and delete whole syllables


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
