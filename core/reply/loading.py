"""From a `model/` directory to a model that is ready to answer."""

from __future__ import annotations

from core.nmt.errors import NmtError
from core.reply.errors import ReplyError
from core.reply.model import LiveModel, Loader, ModelRef, Translator
from core.text import Tokenizer


def load_model(ref: ModelRef, load: Loader, tokenizer: Tokenizer) -> LiveModel:
    """Load and warm a model, which takes seconds. Raises `ReplyError` when it can't be loaded."""
    try:
        translator = load(ref)
        translator.warm_up()
    except NmtError as error:
        raise ReplyError(f"the model {ref.name} can't be loaded: {error}") from error
    return LiveModel(ref.name, translator, tokenizer)


def engine_loader(beam_width: int | None = None) -> Loader:
    """The engine's own loader; `beam_width` as in `Responder.open`."""

    def load(ref: ModelRef) -> Translator:
        # Imported on first use: TensorFlow takes seconds, and most commands never answer anything.
        from core.nmt.inference import Translator as Engine

        return Engine(ref.model_dir, beam_width=beam_width)

    return load
