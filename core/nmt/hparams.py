"""Hyperparameters: one frozen, typed record, and the description of every one as a flag.

The names and the meanings are tensorflow/nmt's. Paths are not hyperparameters: a model directory stays whole when
it is moved, so nothing that is kept in it may name one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields, replace
from functools import cache
from typing import Any, get_type_hints

from core.nmt.errors import NmtError
from core.nmt.hyperparameter import Role, check_type, check_value, flag, parse_text, unknown_name

METRIC_NAMES = ("bleu", "rouge", "accuracy", "word_accuracy", "chrf")

_LAYER_FLAGS = ("num_layers", "num_encoder_layers", "num_decoder_layers")
# As in tensorflow/nmt 0 says nothing here, as if the flag had not been given.
_ZERO_IS_NONE = (*_LAYER_FLAGS[1:], "steps_per_external_eval", "src_max_len_infer", "tgt_max_len_infer")
_SHAPE, _RUN, _DECODING, _NO_EFFECT = Role.SHAPE, Role.RUN, Role.DECODING, Role.NO_EFFECT


@dataclass(frozen=True, slots=True)
class HParams:
    """Everything that a training run and its decoding depend on, beside the data."""

    # Data
    src: str = flag("req", "Suffix of the source files.", role=_SHAPE)
    tgt: str = flag("rep", "Suffix of the target files.", role=_SHAPE)
    share_vocab: bool = flag(False, "One vocabulary and one embedding for source and target.", role=_SHAPE)
    sos: str = flag("<s>", "The token that begins a sentence.", role=_SHAPE)
    eos: str = flag("</s>", "The token that ends a sentence.", role=_SHAPE)
    check_special_token: bool = flag(
        True, "Put <unk>, --sos and --eos before a vocabulary that does not begin with them."
    )
    use_char_encode: bool = flag(
        False,
        "The encoder reads each source token letter by letter, as UTF-8 bytes, without a vocabulary.",
        role=_SHAPE,
    )
    source_reverse: bool = flag(
        False, "The encoder reads each source sentence from its end, as in the first version.", role=_SHAPE
    )
    src_max_len: int = flag(50, "Longer source sentences are cut to it in training; 0: no limit.", least=0)
    tgt_max_len: int = flag(50, "Longer target sentences are cut to it in training; 0: no limit.", least=0)
    num_buckets: int = flag(5, "Sentence pairs of like length train together, in so many buckets.", least=1)
    max_train: int = flag(0, "Train on so many sentence pairs from the file's beginning; 0: on all.", least=0)

    # Architecture
    num_units: int = flag(32, "Units of every layer, U.", role=_SHAPE, least=1)
    num_layers: int = flag(2, "Layers of encoder and decoder.", role=_SHAPE, least=1)
    num_encoder_layers: int | None = flag(None, "Layers of the encoder, where it differs.", role=_SHAPE, least=1)
    num_decoder_layers: int | None = flag(None, "Layers of the decoder, where it differs.", role=_SHAPE, least=1)
    encoder_type: str = flag(
        "uni",
        "uni reads left to right; bi reads both ways, with half of the layers each way; gnmt has one layer that "
        "reads both ways, and above it layers that read left to right.",
        choices=("uni", "bi", "gnmt"),
        role=_SHAPE,
    )
    unit_type: str = flag("lstm", "The recurrent cell.", choices=("lstm", "gru", "layer_norm_lstm", "nas"), role=_SHAPE)
    forget_bias: float = flag(1.0, "Added to the LSTM's forget gate.", role=_SHAPE)
    residual: bool = flag(
        False,
        "Residual connections in every layer but the first; in a gnmt encoder and its decoder but the first two.",
        role=_SHAPE,
    )
    attention: str = flag(
        "",
        "How the decoder looks at the source; empty: it doesn't.",
        choices=("", "luong", "scaled_luong", "bahdanau", "normed_bahdanau"),
        role=_SHAPE,
    )
    attention_architecture: str = flag(
        "standard",
        "Where attention sits: standard, above the decoder's top layer; gnmt, at its bottom layer, whose last context "
        "all layers above see; gnmt_v2, likewise, but they see the present one.",
        choices=("standard", "gnmt", "gnmt_v2"),
        role=_SHAPE,
    )
    output_attention: bool = flag(
        True, "Predict from the attention vector (true) or from the cell's output (false).", role=_SHAPE
    )
    pass_hidden_state: bool = flag(
        True,
        "Start the decoder with the encoder's last state. Without attention it always does; with another number of "
        "layers it can't.",
        role=_SHAPE,
    )
    members: int = flag(
        1,
        "Models of this shape, each with weights of its own, that learn side by side and decide together where beams "
        "among --known_targets leave the first of them in doubt.",
        role=_SHAPE,
        least=1,
    )
    language_model: bool = flag(False, "A language model: a decoder alone, which learns the target side.", role=_SHAPE)
    time_major: bool = flag(True, "No effect: sequences are always time-major inside.", role=_NO_EFFECT)
    num_embeddings_partitions: int = flag(
        0, "No effect: TensorFlow 2 keeps an embedding in one piece.", role=_NO_EFFECT, least=0
    )
    scope: str | None = flag(None, "No effect: weights are named by their place in the model.", role=_NO_EFFECT)

    # Optimisation
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
    num_train_steps: int = flag(12000, "Steps of training, counted from the model's first.", role=_RUN, least=0)
    random_seed: int = flag(
        0, "What initial weights, order of the data, dropout and samples are drawn from.", least=0, below=2**31
    )
    colocate_gradients_with_ops: bool = flag(True, "No effect: TensorFlow 2 places gradients itself.", role=_NO_EFFECT)

    # Evaluation and checkpoints
    steps_per_stats: int = flag(100, "Steps from one log line to the next.", role=_RUN, least=1)
    steps_per_external_eval: int | None = flag(
        None,
        "Steps from one checkpoint and dev score to the next; 0 or without it: 10 times --steps_per_stats.",
        role=_RUN,
        least=1,
    )
    best_from_step: int = flag(
        0,
        "Dev chooses among the weights of this step and later ones; before it the last weights count as the best.",
        role=_RUN,
        least=0,
    )
    num_keep_ckpts: int = flag(2, "How many checkpoints to go on from are kept.", role=_RUN, least=1)
    avg_ckpts: bool = flag(
        False, "Also score the mean of the checkpoints that are kept, and serve it when it is best.", role=_RUN
    )
    summaries: bool = flag(True, "Write TensorBoard's summaries to train_log in --out_dir.", role=_RUN)
    metrics: str = flag("bleu", f"Scores on dev and test, by comma: {', '.join(METRIC_NAMES)}.", role=_RUN)
    subword_option: str = flag(
        "",
        "Join subwords to words before scoring, and in answers to a file.",
        choices=("", "bpe", "spm"),
        role=_DECODING,
    )

    # Decoding
    infer_mode: str = flag(
        "greedy", "How an answer is searched for.", choices=("greedy", "sample", "beam_search"), role=_DECODING
    )
    beam_width: int = flag(0, "Beams of beam_search; above 0 it implies that mode.", role=_DECODING, least=0)
    length_penalty_weight: float = flag(0.0, "Strength of GNMT's length penalty in beam_search.", role=_DECODING)
    coverage_penalty_weight: float = flag(0.0, "Strength of GNMT's coverage penalty in beam_search.", role=_DECODING)
    num_translations_per_input: int = flag(
        1, "Answers a sentence, best first; at most as many as beams.", role=_DECODING, least=1
    )
    sampling_temperature: float = flag(
        0.0,
        "sample: below 1 the likely tokens are drawn more often, above 1 less; it must be set.",
        role=_DECODING,
        least=0,
    )
    top_k: int = flag(0, "sample: draw from the so many likeliest tokens only; 0: from all.", role=_DECODING, least=0)
    top_p: float = flag(
        1.0,
        "sample: draw from the fewest tokens that hold this share of the probability.",
        role=_DECODING,
        above=0,
        most=1,
    )
    repetition_penalty: float = flag(
        1.0, "Above 1, tokens that the answer holds already become less likely.", role=_DECODING, above=0
    )
    no_repeat_ngram_size: int = flag(
        0, "No run of so many tokens comes twice in an answer; 0: any may.", role=_DECODING, least=0
    )
    known_targets: bool = flag(
        False,
        "Answer with the sentences of known.<tgt> in --out_dir alone. Training writes the file, from its targets, "
        "where there is none.",
        role=_DECODING,
    )
    leave_one_out: float = flag(
        0.0,
        "Where beams among --known_targets find nothing likely: the share of all readings that lack a source token.",
        role=_DECODING,
        least=0,
        most=1,
    )
    src_max_len_infer: int | None = flag(
        None, "Longer source sentences are cut to it in inference; 0 or without it: none is.", role=_DECODING, least=1
    )
    tgt_max_len_infer: int | None = flag(
        None,
        "Most tokens of an answer; 0 or without it: twice the longest source sentence of the batch.",
        role=_DECODING,
        least=1,
    )
    infer_batch_size: int = flag(32, "Sentences decoded at once.", role=_DECODING, least=1)

    # Machine
    num_inter_threads: int = flag(0, "Operations run at once; 0: TensorFlow chooses.", role=_RUN, least=0)
    num_intra_threads: int = flag(0, "Threads of one operation; 0: TensorFlow chooses.", role=_RUN, least=0)
    num_gpus: int | None = flag(None, "Use so many of the machine's GPUs; without it all.", role=_RUN, least=0)
    log_device_placement: bool = flag(False, "Log on which device each operation runs.", role=_RUN)

    def __post_init__(self) -> None:
        """Raise `NmtError` for a value that no model can have."""
        for name in _ZERO_IS_NONE:
            if getattr(self, name) == 0:
                object.__setattr__(self, name, None)
        if self.language_model:
            self._be_language_model()
        for spec in fields(self):
            check_value(spec, getattr(self, spec.name))
        self._check_layers()
        if self.src == self.tgt and not self.language_model:
            raise NmtError(f"--src and --tgt are both {self.src!r}: source and target need a suffix each")
        for name in self.metric_names:
            if name not in METRIC_NAMES:
                raise NmtError(f"--metrics names {name!r}: choose from {', '.join(METRIC_NAMES)}")
        if self.infer_mode == "beam_search" and not self.beam_width:
            raise NmtError("--infer_mode=beam_search needs a --beam_width above 0, as 10")
        if self.infer_mode == "sample" and not self.sampling_temperature:
            raise NmtError("--infer_mode=sample needs a --sampling_temperature above 0, as 1.0")

    def _be_language_model(self) -> None:
        """As tensorflow/nmt: a language model has no encoder to attend to, and one vocabulary, the target's."""
        fixed = {"attention": "", "attention_architecture": "standard", "pass_hidden_state": False}
        for name, value in {**fixed, "share_vocab": True, "src": self.tgt}.items():
            object.__setattr__(self, name, value)

    def _check_layers(self) -> None:
        encoder, decoder = self.encoder_layers, self.decoder_layers
        if self.encoder_type == "bi" and encoder % 2:
            raise NmtError(f"--encoder_type=bi needs an even number of encoder layers, not {encoder}")
        if "gnmt" in (self.encoder_type, self.attention_architecture) and encoder < 2:
            raise NmtError(
                f"--encoder_type=gnmt and --attention_architecture=gnmt need 2 encoder layers or more, not {encoder}"
            )
        if self.attention_architecture != "standard" and not self.attention:
            raise NmtError(
                f"--attention_architecture={self.attention_architecture} says where attention sits: give an --attention"
            )
        if encoder != decoder and not (self.attention or self.language_model):
            raise NmtError(
                f"without attention the decoder's {decoder} layers start from the states of the encoder's {encoder}: "
                "give both as many layers, or an --attention"
            )

    @property
    def encoder_layers(self) -> int:
        """Layers of the encoder; of a bidirectional one, both directions counted."""
        return self.num_layers if self.num_encoder_layers is None else self.num_encoder_layers

    @property
    def decoder_layers(self) -> int:
        """Layers of the decoder."""
        return self.num_layers if self.num_decoder_layers is None else self.num_decoder_layers

    @property
    def encoder_residual_layers(self) -> int:
        """Layers of the encoder with a residual connection.

        All but the first; of a gnmt encoder the second has none either, for the first gives it 2U columns.
        """
        return max(0, self.encoder_layers - (2 if self.encoder_type == "gnmt" else 1)) if self.residual else 0

    @property
    def decoder_residual_layers(self) -> int:
        """Layers of the decoder with a residual connection: all but the first, of as many as a gnmt encoder has two."""
        gnmt = self.encoder_type == "gnmt" and self.encoder_layers == self.decoder_layers
        return max(0, self.decoder_layers - (2 if gnmt else 1)) if self.residual else 0

    @property
    def passes_state(self) -> bool:
        """Whether the decoder starts with the encoder's last state: layer by layer, so only of as many layers."""
        wanted = self.pass_hidden_state or not self.attention
        return wanted and self.encoder_layers == self.decoder_layers and not self.language_model

    @property
    def eval_interval(self) -> int:
        """Steps from one checkpoint and dev score to the next."""
        return self.steps_per_external_eval or 10 * self.steps_per_stats

    @property
    def beams(self) -> int:
        """Beams of the search; 0 is greedy search or sampling."""
        return 0 if self.infer_mode == "sample" else self.beam_width

    @property
    def reads_again(self) -> bool:
        """Whether further readings and other members count: for two beams or more among the known targets."""
        return self.known_targets and self.beams > 1

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names in `metrics`, each once."""
        names = (name.strip().lower() for name in self.metrics.split(","))
        return tuple(dict.fromkeys(name for name in names if name))

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> HParams:
        """Hyperparameters from names and values; unknown names and wrong types raise `NmtError`."""
        return cls(**check_values(values))

    def updated(self, values: Mapping[str, Any]) -> HParams:
        """A copy with `values`, as they were given for a model that exists already.

        Raises `NmtError` when one of them would change the shape of that model's weights.
        """
        values = check_values(values)
        changed = replace(self, **values)
        for spec in fields(self):
            if spec.metadata["role"] is not Role.SHAPE or spec.name not in values:
                continue
            if changed._shape(spec.name) != self._shape(spec.name):
                raise NmtError(
                    f"the model was made with --{spec.name}={getattr(self, spec.name)}, not {values[spec.name]}: "
                    "leave the flag out, or give another --out_dir"
                )
        return changed

    def _shape(self, name: str) -> Any:
        """What a hyperparameter comes to: there are two ways to say how many layers there are."""
        return (self.encoder_layers, self.decoder_layers) if name in _LAYER_FLAGS else getattr(self, name)


def flag_fields() -> tuple[Field[Any], ...]:
    """Every hyperparameter with its name, default, help and choices."""
    return fields(HParams)


def default_values() -> dict[str, Any]:
    """Every hyperparameter's default, by name."""
    return {spec.name: spec.default for spec in fields(HParams)}


def parse_value(name: str, text: str) -> Any:
    """The value that `text` means for the hyperparameter `name`. Raises `NmtError` when it means none."""
    return parse_text(name, text, _kinds()[name])


def check_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values, whole numbers made floats where floats are due. Raises `NmtError` for others."""
    kinds = _kinds()
    for name in values:
        if name not in kinds:
            raise unknown_name("hyperparameter", name, kinds)
    return {name: check_type(name, value, kinds[name]) for name, value in values.items()}


@cache
def _kinds() -> dict[str, tuple[type, ...]]:
    hints = get_type_hints(HParams)
    return {spec.name: getattr(hints[spec.name], "__args__", (hints[spec.name],)) for spec in fields(HParams)}
