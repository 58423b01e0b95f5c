"""Hyperparameters: one frozen, typed record, its JSON file, and the description of every one as a flag.

The names and the meanings are tensorflow/nmt's. Paths are not hyperparameters: a model directory stays whole when
it is moved, so its `hparams.json` holds none.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from core.nmt.errors import NmtError

FILE_NAME = "hparams.json"


def flag(
    default: Any,
    description: str,
    *,
    choices: tuple[str, ...] = (),
    fixed: bool = False,
    least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    most: float | None = None,
) -> Any:
    """A hyperparameter, and which values it can have.

    `fixed` ones shape the weights, so a trained model can't be given another value. A number is at least `least` and
    at most `most`, greater than `above`, less than `below`, and always finite.
    """
    limits = {"least": least, "above": above, "below": below, "most": most}
    return field(default=default, metadata={"help": description, "choices": choices, "fixed": fixed, "limits": limits})


@dataclass(frozen=True, slots=True)
class HParams:
    """Everything that a training run and its decoding depend on, beside the data."""

    src: str = flag("req", "Suffix of the source files.", fixed=True)
    tgt: str = flag("rep", "Suffix of the target files.", fixed=True)

    num_units: int = flag(32, "Units of every layer, U.", fixed=True, least=1)
    num_layers: int = flag(2, "Layers of encoder and decoder.", fixed=True, least=1)
    num_encoder_layers: int | None = flag(None, "Layers of the encoder, where it differs.", fixed=True, least=1)
    num_decoder_layers: int | None = flag(None, "Layers of the decoder, where it differs.", fixed=True, least=1)
    encoder_type: str = flag(
        "uni",
        "uni reads left to right; bi reads both ways, with half of the layers each way; gnmt has one layer that "
        "reads both ways, and above it layers that read left to right.",
        choices=("uni", "bi", "gnmt"),
        fixed=True,
    )
    unit_type: str = flag("lstm", "The recurrent cell.", choices=("lstm", "gru", "layer_norm_lstm", "nas"), fixed=True)
    forget_bias: float = flag(1.0, "Added to the LSTM's forget gate.", fixed=True)
    residual: bool = flag(False, "Residual connections in every layer but the first.", fixed=True)
    attention: str = flag(
        "",
        "How the decoder looks at the source; empty: it doesn't.",
        choices=("", "luong", "scaled_luong", "bahdanau", "normed_bahdanau"),
        fixed=True,
    )
    attention_architecture: str = flag(
        "standard",
        "Where attention sits: standard, above the decoder's top layer; gnmt, at its bottom layer, whose last context "
        "all layers above see; gnmt_v2, likewise, but they see the present one.",
        choices=("standard", "gnmt", "gnmt_v2"),
        fixed=True,
    )
    output_attention: bool = flag(
        True, "Predict from the attention vector (true) or from the cell's output (false).", fixed=True
    )
    pass_hidden_state: bool = flag(
        True, "Start the decoder with the encoder's last state. Without attention it always does.", fixed=True
    )
    share_vocab: bool = flag(False, "One vocabulary and one embedding for source and target.", fixed=True)
    language_model: bool = flag(False, "A language model: a decoder alone, which learns the target side.", fixed=True)
    use_char_encode: bool = flag(
        False, "The encoder reads each source token letter by letter, as UTF-8 bytes, without a vocabulary.", fixed=True
    )
    sos: str = flag("<s>", "The token that begins a sentence.", fixed=True)
    eos: str = flag("</s>", "The token that ends a sentence.", fixed=True)
    check_special_token: bool = flag(
        True, "Put <unk>, --sos and --eos before a vocabulary that does not begin with them."
    )

    optimizer: str = flag("sgd", "How weights are updated.", choices=("sgd", "adam"))
    learning_rate: float = flag(1.0, "sgd: about 1.0; adam: 0.0001 to 0.005.", above=0)
    warmup_steps: int = flag(0, "Steps over which the learning rate grows to its value.", least=0)
    warmup_scheme: str = flag("t2t", "How it grows: t2t, from a hundredth, exponentially.", choices=("t2t",))
    decay_scheme: str = flag(
        "",
        "How the learning rate falls: luong5, luong10, luong234 halve it 5, 10, 4 times from 1/2, 1/2, 2/3 of the "
        "training on; cosine lets it fall to nothing.",
        choices=("", "luong5", "luong10", "luong234", "cosine"),
    )
    max_gradient_norm: float = flag(5.0, "The gradient's global norm is clipped to it.", above=0)
    init_op: str = flag("uniform", "How weights begin.", choices=("uniform", "glorot_normal", "glorot_uniform"))
    init_weight: float = flag(0.1, "uniform: weights begin between its negative and it.", least=0)
    dropout: float = flag(0.2, "Share of each cell's inputs that is dropped while training.", least=0, below=1)
    label_smoothing: float = flag(
        0.0, "Share of the target's probability spread over the whole vocabulary.", least=0, below=1
    )
    num_sampled_softmax: int = flag(
        0, "Train against so many words drawn at random instead of the whole vocabulary; 0: the whole.", least=0
    )
    batch_size: int = flag(128, "Sentence pairs a step.", least=1)
    num_train_steps: int = flag(12000, "Steps of training, counted from the model's first.", least=0)
    random_seed: int = flag(
        0, "What initial weights, order of the data and dropout are drawn from.", least=0, below=2**31
    )

    src_max_len: int = flag(50, "Longer source sentences are cut to it in training; 0: no limit.", least=0)
    tgt_max_len: int = flag(50, "Longer target sentences are cut to it in training; 0: no limit.", least=0)
    src_max_len_infer: int | None = flag(None, "Longer source sentences are cut to it in inference.", least=1)
    tgt_max_len_infer: int | None = flag(
        None, "Most tokens of an answer; without it twice the longest source sentence of the batch.", least=1
    )
    num_buckets: int = flag(5, "Sentence pairs of like length train together, in so many buckets.", least=1)
    max_train: int = flag(0, "Train on so many sentence pairs from the file's beginning; 0: on all.", least=0)

    steps_per_stats: int = flag(100, "Steps from one log line to the next.", least=1)
    steps_per_external_eval: int | None = flag(
        None, "Steps from one checkpoint and dev score to the next; without it 10 times --steps_per_stats.", least=1
    )
    best_from_step: int = flag(
        0,
        "Dev chooses among the weights of this step and later ones; before it the last weights count as the best.",
        least=0,
    )
    num_keep_ckpts: int = flag(2, "How many checkpoints to go on from are kept.", least=1)
    avg_ckpts: bool = flag(False, "Also score the mean of the checkpoints that are kept, and serve it when it is best.")
    metrics: str = flag("bleu", "Scores on dev and test, by comma: bleu, rouge, accuracy, word_accuracy, chrf.")
    subword_option: str = flag(
        "", "Join subwords to words before scoring, and in answers to a file.", choices=("", "bpe", "spm")
    )

    infer_mode: str = flag("greedy", "How an answer is searched for.", choices=("greedy", "sample", "beam_search"))
    beam_width: int = flag(0, "Beams of beam_search; above 0 it implies that mode.", least=0)
    length_penalty_weight: float = flag(0.0, "Strength of GNMT's length penalty in beam_search.")
    coverage_penalty_weight: float = flag(0.0, "Strength of GNMT's coverage penalty in beam_search.")
    num_translations_per_input: int = flag(1, "Answers a sentence, best first; at most as many as beams.", least=1)
    sampling_temperature: float = flag(
        0.0, "sample: below 1 the likely tokens are drawn more often, above 1 less; it must be set.", least=0
    )
    top_k: int = flag(0, "sample: draw from the so many likeliest tokens only; 0: from all.", least=0)
    top_p: float = flag(
        1.0, "sample: draw from the fewest tokens that hold this share of the probability.", above=0, most=1
    )
    repetition_penalty: float = flag(1.0, "Above 1, tokens that the answer holds already become less likely.", above=0)
    no_repeat_ngram_size: int = flag(0, "No run of so many tokens comes twice in an answer; 0: any may.", least=0)
    infer_batch_size: int = flag(32, "Sentences decoded at once.", least=1)
    num_inter_threads: int = flag(0, "Operations run at once; 0: TensorFlow chooses.", least=0)
    num_intra_threads: int = flag(0, "Threads of one operation; 0: TensorFlow chooses.", least=0)
    num_gpus: int = flag(0, "Use so many of the machine's GPUs; 0: all of them.", least=0)
    log_device_placement: bool = flag(False, "Log on which device each operation runs.")
    time_major: bool = flag(True, "No effect: sequences are always time-major inside.")
    num_embeddings_partitions: int = flag(0, "No effect: TensorFlow 2 keeps an embedding in one piece.", least=0)
    colocate_gradients_with_ops: bool = flag(True, "No effect: TensorFlow 2 places gradients itself.")
    scope: str | None = flag(None, "No effect: weights are named by their place in the model.")

    def __post_init__(self) -> None:
        """Raise `NmtError` for a value that no model can have."""
        for spec in fields(self):
            _check_value(spec, getattr(self, spec.name))
        if self.encoder_type == "bi" and self.encoder_layers % 2:
            raise NmtError(f"--encoder_type=bi needs an even number of encoder layers, not {self.encoder_layers}")
        if self.passes_state and self.encoder_layers != self.decoder_layers:
            raise NmtError(
                "the decoder starts from the encoder's state, layer by layer: give both as many layers, "
                "or --pass_hidden_state=false with an --attention"
            )
        if self.src == self.tgt:
            raise NmtError(f"--src and --tgt are both {self.src!r}: source and target need a suffix each")

    @property
    def encoder_layers(self) -> int:
        """Layers of the encoder; of a bidirectional one, both directions counted."""
        return self.num_layers if self.num_encoder_layers is None else self.num_encoder_layers

    @property
    def decoder_layers(self) -> int:
        """Layers of the decoder."""
        return self.num_layers if self.num_decoder_layers is None else self.num_decoder_layers

    @property
    def passes_state(self) -> bool:
        """Whether the decoder starts with the encoder's last state."""
        return self.pass_hidden_state or not self.attention

    @property
    def eval_interval(self) -> int:
        """Steps from one checkpoint and dev score to the next."""
        return self.steps_per_external_eval or 10 * self.steps_per_stats

    @property
    def beams(self) -> int:
        """Beams of the search; 0 is greedy search."""
        if self.beam_width > 0:
            return self.beam_width
        return 10 if self.infer_mode == "beam_search" else 0

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names in `metrics`."""
        return tuple(name.strip() for name in self.metrics.split(",") if name.strip())

    def save(self, directory: Path) -> None:
        """Write `hparams.json` into a model directory."""
        path = directory / FILE_NAME
        path.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> HParams:
        """Read a model directory's `hparams.json`. Raises `NmtError` when it is missing or not understood."""
        path = directory / FILE_NAME
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise NmtError(f"no model in {directory}: {FILE_NAME} is missing") from error
        except (OSError, ValueError) as error:
            raise NmtError(f"can't read {path}: {error}") from error
        if not isinstance(values, dict):
            raise NmtError(f"{path} must hold one JSON object")
        try:
            return cls.from_values(values)
        except NmtError as error:
            raise NmtError(f"{path}: {error}") from error

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> HParams:
        """Hyperparameters from names and values; unknown names and wrong types raise `NmtError`."""
        return cls(**check_values(values))

    def updated(self, values: Mapping[str, Any]) -> HParams:
        """A copy with `values`, as they were given for a model that exists already.

        Raises `NmtError` when one of them would change the shape of that model's weights.
        """
        values = check_values(values)
        for spec in fields(self):
            if spec.metadata["fixed"] and spec.name in values and values[spec.name] != getattr(self, spec.name):
                raise NmtError(
                    f"the model was made with --{spec.name}={getattr(self, spec.name)}, not {values[spec.name]}: "
                    "leave the flag out, or give another --out_dir"
                )
        return replace(self, **values)


def flag_fields() -> tuple[Field[Any], ...]:
    """Every hyperparameter with its name, default, help and choices."""
    return fields(HParams)


def unknown_name(kind: str, name: str, valid: Collection[str]) -> NmtError:
    """The error for a name that is none of `valid`: it names what comes nearest."""
    dashes = "--" if name.startswith("--") else ""
    near = difflib.get_close_matches(name.removeprefix("--"), valid, n=1)
    return NmtError(f"unknown {kind} {name}: " + (f"did you mean {dashes}{near[0]}?" if near else "see --help"))


def parse_value(name: str, text: str) -> Any:
    """The value that `text` means for the hyperparameter `name`. Raises `NmtError` when it means none."""
    kind = _kinds()[name]
    if type(None) in kind and text in ("", "None"):
        return None
    if bool in kind:
        if text.lower() not in ("true", "false"):
            raise NmtError(f"--{name}={text} must be true or false")
        return text.lower() == "true"
    for number in (int, float):
        if number in kind:
            try:
                return number(text)
            except ValueError as error:
                raise NmtError(f"--{name}={text} must be {'a whole' if number is int else 'a'} number") from error
    return text


def check_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values, whole numbers made floats where floats are due. Raises `NmtError` for others."""
    kinds = _kinds()
    checked = {}
    for name, value in values.items():
        if name not in kinds:
            raise unknown_name("hyperparameter", name, kinds)
        if float in kinds[name] and type(value) is int:
            value = float(value)
        if type(value) not in kinds[name]:
            raise NmtError(f"{name} is {value!r}: it must be {_kind_names(kinds[name])}")
        checked[name] = value
    return checked


def _check_value(spec: Field[Any], value: Any) -> None:
    """Raise `NmtError` for a value that is none of the choices, or beyond a limit."""
    choices, limits = spec.metadata["choices"], spec.metadata["limits"]
    if choices and value not in choices:
        raise NmtError(f"--{spec.name}={value} is none of {', '.join(repr(c) for c in choices)}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    least, above, below, most = limits["least"], limits["above"], limits["below"], limits["most"]
    fits = (
        math.isfinite(value)
        and (least is None or value >= least)
        and (above is None or value > above)
        and (below is None or value < below)
        and (most is None or value <= most)
    )
    if not fits:
        bounds = (("{} or more", least), ("above {}", above), ("below {}", below), ("at most {}", most))
        wanted = " and ".join(text.format(limit) for text, limit in bounds if limit is not None)
        raise NmtError(f"--{spec.name}={value} must be {wanted or 'a finite number'}")


def _kind_names(kinds: tuple[type, ...]) -> str:
    return " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)


def _kinds() -> dict[str, tuple[type, ...]]:
    hints = get_type_hints(HParams)
    return {spec.name: getattr(hints[spec.name], "__args__", (hints[spec.name],)) for spec in fields(HParams)}
