"""Answers from a trained model: `Translator` in Python, `answer_file` for the command line."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.nmt.answers import Answer, AnswerFiles, Finding, finite
from core.nmt.checkpoints import load_model
from core.nmt.dataset import read_lines, read_tokens
from core.nmt.decoding import Decoder
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.jobs import Job, Parts
from core.nmt.known_targets import read_known_targets
from core.nmt.metrics import score
from core.nmt.original_model import Places
from core.nmt.ranking import Ranked
from core.nmt.search import Ends

# Digits of an attention weight in a file: a plot needs no more.
_WEIGHT_DIGITS = 5

# How many of how many lines are answered.
Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """An answer's tokens, and `score`, the geometric mean of its tokens' probabilities: 0 … 1, 1 is certain.

    With `--leave_one_out` or `--members` it is that of a sentence which every reading of the source finds as good as
    all do together.
    """

    tokens: tuple[str, ...]
    score: float


class Translator:
    """Tokens → tokens. It keeps nothing between calls, so any number of threads may share it.

        translator = Translator(Path("data/current/model"))
        [answer] = translator.translate([["▁안녕", "하", "세요"]])

    Raises `NmtError` when `model_dir` holds no usable model.
    """

    def __init__(
        self,
        model_dir: Path,
        *,
        beam_width: int | None = None,
        hparams: HParams | None = None,
        places: Places | None = None,
        keep_alignments: bool = False,
    ) -> None:
        """`beam_width` 0 searches greedily; `None`, and no `hparams`, as the model's own hyperparameters say.

        `places` names the weights, where they aren't the served ones, and what a model of tensorflow/nmt leaves open.
        """
        self.model, self.src_vocab, self.tgt_vocab = load_model(model_dir, places)
        self.hparams = hparams or self.model.hparams
        if beam_width is not None:
            mode = "beam_search" if beam_width else "greedy"
            self.hparams = self.hparams.updated({"beam_width": beam_width, "infer_mode": mode})
        ends = Ends(self.tgt_vocab.sos_id, self.tgt_vocab.eos_id)
        tree = read_known_targets(model_dir, self.hparams, self.tgt_vocab)
        self._decoder = Decoder(self.model, self.hparams, ends, keep_alignments=keep_alignments, frozen=True, tree=tree)

    def warm_up(self) -> None:
        """Compile what has to be, so that the first answer does not wait for it."""
        self._decoder.warm_up(self.src_vocab.ids([""] * 3))

    def translate(self, sources: Sequence[Sequence[str]]) -> list[Hypothesis]:
        """The best hypothesis for each source; a source without tokens has an empty one with score 0."""
        filled = [i for i, source in enumerate(sources) if source]
        results = [Hypothesis((), 0.0)] * len(sources)
        decoded = self._decoder.decode_best([self.src_vocab.ids(sources[i]) for i in filled])
        for i, ranked in zip(filled, decoded, strict=True):
            results[i] = self._hypothesis(ranked)
        return results

    def translate_n_best(self, sources: Sequence[Sequence[str]]) -> list[list[Hypothesis]]:
        """All hypotheses of the search for each source, best first; none without tokens.

        There are as many as beams, or as samples (`num_translations_per_input`); one in greedy search.
        """
        filled = [i for i, source in enumerate(sources) if source]
        results: list[list[Hypothesis]] = [[] for _ in sources]
        decoded = self._decoder.decode([self.src_vocab.ids(sources[i]) for i in filled])
        for i, ranked in zip(filled, decoded, strict=True):
            results[i] = [self._hypothesis(one) for one in ranked]
        return results

    def propose(self, sources: Sequence[Sequence[str]], count: int) -> list[list[Hypothesis]]:
        """At most `count` hypotheses for each source, the best first, in little more time than `translate` takes.

        There are fewer where the search finds no more, and one where it is sure; none without tokens.
        """
        filled = [i for i, source in enumerate(sources) if source]
        results: list[list[Hypothesis]] = [[] for _ in sources]
        decoded = self._decoder.decode_some([self.src_vocab.ids(sources[i]) for i in filled], count)
        for i, ranked in zip(filled, decoded, strict=True):
            results[i] = [self._hypothesis(one) for one in ranked]
        return results

    def meanings(self, sources: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """What the model reads each source as: (N, M), to be compared by their angle. M is 0 where it reads none.

        Sources that ask for the same answers come near to each other while it learns. None may be without tokens.
        """
        return self._decoder.meanings([self.src_vocab.ids(source) for source in sources])

    def _hypothesis(self, ranked: Ranked) -> Hypothesis:
        mean = ranked.log_prob / max(1, ranked.scored_tokens)
        return Hypothesis(tuple(self.tgt_vocab.tokens(ranked.ids)), math.exp(mean))

    @property
    def answers_per_line(self) -> int:
        """How many answers a line of a file has: `num_translations_per_input`, but no more than the search finds."""
        return min(self.hparams.num_translations_per_input, self._decoder.answers_per_source)

    def answer_lines(
        self, numbers: Sequence[int], sources: Sequence[Sequence[str]], *, best: bool = False
    ) -> Iterator[Answer]:
        """An answer for each source, a line of a file with its number, searched for as tensorflow/nmt does.

        Of its hypotheses all, or only the `best`.
        """
        ids = [self.src_vocab.ids(source) for source in sources]
        lines = iter(zip(numbers, sources, strict=True))
        decode = self._decoder.decode_best_in_order if best else self._decoder.decode_in_order
        for batch in decode(ids):
            for ranked in batch:
                number, source = next(lines)
                yield Answer(number, list(source), [self._finding(one) for one in ranked])

    def _finding(self, ranked: Ranked) -> Finding:
        weights = None if ranked.alignments is None else np.round(ranked.alignments.astype(float), _WEIGHT_DIGITS)
        return Finding(
            tokens=self.tgt_vocab.tokens(ranked.ids),
            log_prob=finite(ranked.log_prob),
            score=finite(ranked.score),
            weights=None if weights is None else weights.tolist(),
        )


@dataclass(frozen=True, slots=True)
class FileTask:
    """A file to be answered: `lines` are the numbers of those that are wanted, `None` all; `job` shares it."""

    input_file: Path
    output_file: Path
    nbest_file: Path | None = None
    alignments_file: Path | None = None
    lines: tuple[int, ...] | None = None
    job: Job = field(default_factory=Job)


@dataclass(frozen=True, slots=True)
class FileResult:
    """How many lines this process answered, of how many, and the best answers of all of them.

    `answers` is `None` while other jobs have to answer theirs: then there is no output file yet.
    """

    answered: int
    lines: int
    answers: list[str] | None


def answer_file(
    model_dir: Path,
    task: FileTask,
    hparams: HParams,
    report: Report | None = None,
    places: Places | None = None,
) -> FileResult:
    """Write the files that `task` names, decoded as `hparams` say. Raises `NmtError` for what can't be used."""
    _check_outputs(task)
    sources = list(read_tokens(task.input_file))
    numbers = _wanted(task, len(sources))
    if task.lines is not None:
        # Each alone, the only way in which tensorflow/nmt answers chosen lines: what else is chosen changes nothing.
        hparams = replace(hparams, infer_batch_size=1)
    keep = task.alignments_file is not None
    translator = Translator(model_dir, hparams=hparams, places=places, keep_alignments=keep)
    files = AnswerFiles(
        task.output_file, task.nbest_file, task.alignments_file, translator.answers_per_line, hparams.subword_option
    )
    mine = [numbers[i] for i in task.job.share(len(numbers), hparams.infer_batch_size)]
    best = task.nbest_file is None and not keep and translator.answers_per_line == 1
    answers = translator.answer_lines(mine, [sources[i] for i in mine], best=best)
    if report:
        answers = _reported(answers, len(mine), hparams.infer_batch_size, report)
    if task.job.count == 1:
        return FileResult(len(mine), len(numbers), files.write(answers))
    parts = Parts(task.output_file, _origin(translator, (keep, sources)), task.job.count)
    parts.leave(task.job.number, answers)
    return FileResult(len(mine), len(numbers), parts.gather(files))


def score_file(result: FileResult, task: FileTask, reference_file: Path, hparams: HParams) -> dict[str, float]:
    """Each of `--metrics` of the answers, the best of each line, against the lines of `reference_file`.

    Of a reference to the whole input, chosen lines are compared with those of the same numbers. Raises `NmtError` when
    there are not as many references as answers.
    """
    references = list(read_lines(reference_file))
    if task.lines is not None and len(references) > max(task.lines):
        references = [references[number] for number in task.lines]
    answers = result.answers or []
    return {name: score(name, answers, references, hparams.subword_option) for name in hparams.metric_names}


def _check_outputs(task: FileTask) -> None:
    outputs = [path.resolve() for path in (task.output_file, task.nbest_file, task.alignments_file) if path]
    if len(set(outputs)) < len(outputs):
        raise NmtError(
            "--inference_output_file, --nbest_output_file and --alignments_output_file need a file each: "
            f"{', '.join(map(str, outputs))}"
        )


def _wanted(task: FileTask, lines: int) -> Sequence[int]:
    if task.lines is None:
        return range(lines)
    if task.job.count > 1:
        raise NmtError("--inference_list is answered by one process: leave out --num_workers")
    for number in task.lines:
        if number >= lines:
            raise NmtError(f"--inference_list names line {number}, but {task.input_file} ends with line {lines - 1}")
    return task.lines


def _reported(answers: Iterator[Answer], total: int, batch_size: int, report: Report) -> Iterator[Answer]:
    for done, answer in enumerate(answers, start=1):
        yield answer
        if done % batch_size == 0 or done == total:
            report(done, total)


def _origin(translator: Translator, wanted: tuple[bool, Sequence[Sequence[str]]]) -> str:
    """A digest of all that a part depends on; `wanted`: whether alignments are, and the sources."""
    digest = hashlib.blake2b(repr((translator.hparams, wanted)).encode("utf-8", "surrogatepass"), digest_size=8)
    for variable in translator.model.variables:
        digest.update(variable.numpy().tobytes())
    return digest.hexdigest()
