"""From a `model/` directory to a model that is ready to answer."""

from __future__ import annotations

from pathlib import Path

from core.memory import Lesson, Memory
from core.nmt.errors import NmtError
from core.reply.calibration import CALIBRATION, Calibration
from core.reply.errors import ReplyError
from core.reply.model import LiveModel, Loader, ModelRef, Translator
from core.text import Tokenizer


def load_model(ref: ModelRef, load: Loader, tokenizer: Tokenizer, *, with_memory: bool = False) -> LiveModel:
    """Load and warm a model, which takes seconds, and `with_memory` what its run was trained with.

    Raises `ReplyError` when it can't be loaded.
    """
    calibration = run_file(ref.model_dir, CALIBRATION)
    try:
        translator = load(ref)
        translator.warm_up()
    except NmtError as error:
        raise ReplyError(f"the model {ref.name} can't be loaded: {error}") from error
    return LiveModel(
        ref.name,
        translator,
        tokenizer,
        calibration=Calibration.load(calibration) if calibration else None,
        own_memory=load_own_memory(ref.model_dir, tokenizer) if with_memory else None,
    )


def run_file(model_dir: Path, name: str) -> Path | None:
    """The file `name` of the run that `model_dir` is the model of; None where there is none."""
    resolved = model_dir.resolve()
    path = resolved.parent / name
    return path if resolved.name == "model" and path.is_file() else None


def read_pairs(model_dir: Path, prefix: str) -> list[tuple[str, str]]:
    """The questions and answers in a run's files, as text; none where the run has no such files.

    Raises `ReplyError` when they don't belong together or can't be read.
    """
    paths = [run_file(model_dir, f"{prefix}.{suffix}") for suffix in ("req", "rep")]
    if not all(paths):
        return []
    try:
        sides = [path.read_text(encoding="utf-8").split("\n")[:-1] for path in paths if path]
    except (OSError, UnicodeError) as error:
        raise ReplyError(f"can't read the pairs of {model_dir.resolve().parent.name}: {error}") from error
    if len(sides[0]) != len(sides[1]):
        raise ReplyError(
            f"{paths[0]} and {prefix}.rep have {len(sides[0])} and {len(sides[1])} lines: they don't match"
        )
    questions, answers = ([Tokenizer.join(line.split(" ")) for line in side] for side in sides)
    return list(zip(questions, answers, strict=True))


def load_own_memory(model_dir: Path, tokenizer: Tokenizer) -> Memory | None:
    """The memory of what a run was trained with, each line of its files a row; None where `model_dir` is no run's."""
    pairs = read_pairs(model_dir, "train")
    if not pairs:
        return None
    memory = Memory(tokenizer)
    memory.put(Lesson(row, question, answer) for row, (question, answer) in enumerate(pairs, start=1))
    return memory


def engine_loader(beam_width: int | None = None) -> Loader:
    """The engine's own loader; `beam_width` as in `Responder.open`."""

    def load(ref: ModelRef) -> Translator:
        # Imported on first use: TensorFlow takes seconds, and most commands never answer anything.
        from core.nmt.inference import Translator as Engine

        return Engine(ref.model_dir, beam_width=beam_width)

    return load
