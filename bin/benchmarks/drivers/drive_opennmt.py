"""Drives OpenNMT-py 3.5: its trainer's own step over its own batches, and its inference engine."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from onmt.bin.train import _get_parser as train_parser
from onmt.bin.translate import _get_parser as translate_parser
from onmt.inference_engine import InferenceEnginePY
from onmt.inputters.dynamic_iterator import build_dynamic_dataset_iter
from onmt.model_builder import build_model
from onmt.models import build_model_saver
from onmt.train_single import _init_train, configure_process
from onmt.trainer import build_trainer
from onmt.utils import Statistics
from onmt.utils.optimizers import Optimizer
from onmt.utils.parse import ArgumentParser
from protocol import Setup, read_setup, serve


def train_options(setup: Setup) -> Any:
    """The setup as OpenNMT-py's options, checked as its own command does."""
    config = setup.place("config.json")  # JSON is YAML
    corpora = {
        "corpus": {"path_src": str(setup.file("train.req")), "path_tgt": str(setup.file("train.rep"))},
    }
    config.write_text(json.dumps({"data": corpora}), encoding="utf-8")
    vocabulary = setup.place("vocab.txt")
    tokens = setup.file("vocab.req").read_text(encoding="utf-8").split("\n")[3:]
    vocabulary.write_text("\n".join(tokens), encoding="utf-8")
    flags = {
        "config": config,
        "save_model": setup.place("model"),
        "src_vocab": vocabulary,
        "tgt_vocab": vocabulary,
        "encoder_type": "rnn",
        "decoder_type": "rnn",
        "rnn_type": "LSTM",
        "layers": setup.layers,
        "hidden_size": setup.units,
        "word_vec_size": setup.units,
        "global_attention": "general",
        "input_feed": 1,
        "batch_type": "sents",
        "batch_size": setup.batch_size,
        "normalization": "sents",
        "dropout": setup.dropout,
        "optim": "adam",
        "learning_rate": setup.learning_rate,
        "max_grad_norm": 5,
        # One epoch is sorted by length at a time; by default the corpus is read until there are 262,144 examples.
        "bucket_size": len(setup.file("train.req").read_text(encoding="utf-8").split("\n")),
        "num_workers": 0,
        "seed": setup.seed,
    }
    words = [word for name, value in flags.items() for word in (f"-{name}", str(value))]
    options = train_parser().parse_args([*words, "-share_vocab", "-share_embeddings"])
    ArgumentParser.validate_train_opts(options)
    ArgumentParser.update_model_opts(options)
    ArgumentParser.validate_model_opts(options)
    return options


class Training:
    """OpenNMT-py's trainer, step by step."""

    def __init__(self, setup: Setup) -> None:
        options = train_options(setup)
        configure_process(options, -1)
        torch.set_num_threads(setup.threads)
        _, vocabs, transforms = _init_train(options)
        model = build_model(options, options, vocabs, None, -1)
        optimizer = Optimizer.from_opt(model, options)
        self._saver = build_model_saver(options, options, model, vocabs, optimizer, -1)
        self._trainer = build_trainer(options, -1, model, vocabs, optimizer, self._saver)
        self._data = build_dynamic_dataset_iter(options, transforms, vocabs)
        self._batches = self._forever()

    def _forever(self) -> Iterator[tuple[Any, Any]]:
        """Epoch after epoch of its own batches."""
        while True:
            yield from self._trainer._accum_batches(iter(self._data))

    def turn(self, steps: int) -> dict[str, float]:
        """Train `steps` more: seconds, and tokens of both sides together; `</s>` counts on the target's side."""
        stats, start = Statistics(), time.perf_counter()
        for _ in range(steps):
            batches, normalization = next(self._batches)
            self._trainer._gradient_accumulation(batches, normalization, stats, Statistics())
        seconds = time.perf_counter() - start
        return {"steps": steps, "seconds": seconds, "tokens": stats.n_src_words + stats.n_words}

    def fit(self, steps: int) -> dict[str, Any]:
        """Train and save."""
        self.turn(steps)
        self._saver.save(steps)
        return {}


class Replies:
    """The trained model, asked as OpenNMT-py's own server asks it: a list of sentences in, a list out."""

    def __init__(self, setup: Setup) -> None:
        torch.set_num_threads(setup.threads)
        self._setup = setup
        [self._model] = Path(setup.work).glob("model_step_*.pt")
        self._engines: dict[tuple[int, int], InferenceEnginePY] = {}

    def _engine(self, beam_width: int, batch_size: int) -> InferenceEnginePY:
        key = (beam_width, batch_size)
        if key not in self._engines:
            flags = {
                "model": self._model,
                "src": self._setup.file("dev.req"),
                "output": self._setup.place("answers.txt"),
                "beam_size": max(1, beam_width),
                "batch_size": batch_size,
                "batch_type": "sents",
                "gpu": -1,
                "max_length": 50,
            }
            options = translate_parser().parse_args([w for n, v in flags.items() for w in (f"-{n}", str(v))])
            ArgumentParser.validate_translate_opts(options)
            ArgumentParser._get_all_transform_translate(options)
            ArgumentParser._validate_transforms_opts(options)
            ArgumentParser.validate_translate_opts_dynamic(options)
            self._engines[key] = InferenceEnginePY(options)
        return self._engines[key]

    def reply(self, batches: list[list[list[str]]], beam_width: int) -> dict[str, Any]:
        """Seconds of each batch, and the tokens that came out of it."""
        seconds, tokens = [], []
        for batch in batches:
            lines = [" ".join(sentence) for sentence in batch]
            engine = self._engine(beam_width, len(batch))
            start = time.perf_counter()
            _, answers = engine.infer_list(lines)
            seconds.append(time.perf_counter() - start)
            tokens.append(sum(len(best[0].split()) for best in answers))
        return {"seconds": seconds, "tokens": tokens}


def main() -> None:
    """Serve one mode."""
    setup, mode = read_setup()
    versions = {"engine": "OpenNMT-py", "OpenNMT-py": version("OpenNMT-py"), "torch": version("torch")}
    if mode == "reply":
        serve({"reply": Replies(setup).reply}, versions)
    else:
        training = Training(setup)
        serve({"train": training.turn, "fit": training.fit}, versions)


if __name__ == "__main__":
    sys.exit(main())
