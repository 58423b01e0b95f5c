"""From a `model/` directory to a model that is ready to answer."""

from __future__ import annotations

from pathlib import Path

from core.memory import Lesson, Memory
from core.nmt.errors import NmtError
from core.reply.errors import ReplyError
from core.reply.model import LiveModel, Loader, ModelRef, Translator
from core.text import Tokenizer


def load_model(ref: ModelRef, load: Loader, tokenizer: Tokenizer, own_memory: Memory | None = None) -> LiveModel:
    """Load and warm a model, which takes seconds. Raises `ReplyError` when it can't be loaded."""
    try:
        translator = load(ref)
        translator.warm_up()
    except NmtError as error:
        raise ReplyError(f"the model {ref.name} can't be loaded: {error}") from error
    return LiveModel(ref.name, translator, tokenizer, own_memory)


def load_own_memory(model_dir: Path, tokenizer: Tokenizer) -> Memory | None:
    """The memory of what a run was trained with, each line of its files a row; None where `model_dir` is no run's.

    Raises `ReplyError` when the files don't belong together or can't be read.
    """
    paths = [model_dir.resolve().parent / f"train.{suffix}" for suffix in ("req", "rep")]
    if model_dir.resolve().name != "model" or not all(path.is_file() for path in paths):
        return None
    try:
        sides = [path.read_text(encoding="utf-8").split("\n")[:-1] for path in paths]
    except (OSError, UnicodeError) as error:
        raise ReplyError(f"can't read what {model_dir.parent.name} was trained with: {error}") from error
    if len(sides[0]) != len(sides[1]):
        raise ReplyError(f"{paths[0]} and train.rep have {len(sides[0])} and {len(sides[1])} lines: they don't match")
    memory = Memory(tokenizer)
    texts = (tuple(Tokenizer.join(line.split(" ")) for line in pair) for pair in zip(*sides, strict=True))
    memory.put(Lesson(row, question, answer) for row, (question, answer) in enumerate(texts, start=1))
    return memory


def engine_loader(beam_width: int | None = None) -> Loader:
    """The engine's own loader; `beam_width` as in `Responder.open`."""

    def load(ref: ModelRef) -> Translator:
        # Imported on first use: TensorFlow takes seconds, and most commands never answer anything.
        from core.nmt.inference import Translator as Engine

        return Engine(ref.model_dir, beam_width=beam_width)

    return load
