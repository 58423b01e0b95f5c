"""Drives JoeyNMT 2.3: its trainer's own step over its own batches, and its hub interface."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from joeynmt.config import parse_global_args
from joeynmt.hub_interface import TranslatorHubInterface
from joeynmt.prediction import prepare
from joeynmt.training import TrainManager
from protocol import Setup, read_setup, serve


def make_config(setup: Setup) -> dict[str, Any]:
    """The setup as JoeyNMT's configuration."""
    vocabulary = setup.place("vocab.txt")
    tokens = setup.file("vocab.req").read_text(encoding="utf-8").split("\n")[3:-1]
    vocabulary.write_text("".join(f"{token}\n" for token in ["<unk>", "<pad>", "<s>", "</s>", *tokens]), "utf-8")
    side = {"max_length": 100, "level": "word", "voc_file": str(vocabulary), "lowercase": False, "normalize": False}
    cell = {
        "rnn_type": "lstm",
        "num_layers": setup.layers,
        "hidden_size": setup.units,
        "dropout": setup.dropout,
        "embeddings": {"embedding_dim": setup.units, "dropout": setup.dropout},
    }
    return {
        "name": "bench",
        "joeynmt_version": "2.3.0",
        "model_dir": str(setup.place("model")),
        "use_cuda": False,
        "random_seed": setup.seed,
        "data": {
            "train": str(setup.file("train")),
            "dev": str(setup.file("dev")),
            "dataset_type": "plain",
            "src": {"lang": "req", **side},
            "trg": {"lang": "rep", **side},
        },
        "testing": {"beam_size": 1, "max_output_length": 50},
        "training": {
            "optimizer": "adam",
            "learning_rate": setup.learning_rate,
            "scheduling": "plateau",  # on dev, which is never scored here: the learning rate stays
            "clip_grad_norm": 5.0,
            "batch_size": setup.batch_size,
            "batch_type": "sentence",
            "normalization": "batch",
        },
        "model": {
            "tied_embeddings": True,
            # JoeyNMT 2.3 fails on an encoder that reads one way, so each way has half of the units: a little less work.
            "encoder": {"type": "recurrent", "bidirectional": True, **cell, "hidden_size": setup.units // 2},
            "decoder": {
                "type": "recurrent",
                **cell,
                "attention": "luong",
                "input_feeding": True,
                "init_hidden": "last",
                "hidden_dropout": setup.dropout,
            },
        },
    }


def checkpoint(setup: Setup) -> Path:
    """Where the trained weights lie."""
    return setup.place("model") / "best.ckpt"


class Training:
    """JoeyNMT's train manager, step by step."""

    def __init__(self, setup: Setup) -> None:
        setup.place("model").mkdir(exist_ok=True)
        arguments = parse_global_args(make_config(setup), mode="train")
        self._model, self._data, _, _ = prepare(arguments, rank=0, mode="train")
        torch.set_num_threads(setup.threads)
        self._manager = TrainManager(
            rank=0,
            model=self._model,
            model_dir=arguments.model_dir,
            device=arguments.device,
            autocast=arguments.autocast,
            seed=setup.seed,
            train_args=arguments.train,
            dev_args=arguments.test,
        )
        self._setup = setup
        self._batches = self._forever(arguments)

    def _forever(self, arguments: Any) -> Iterator[Any]:
        """Epoch after epoch of its own batches, shuffled as `train_and_validate` does."""
        batches = self._data.make_iter(
            batch_size=arguments.train.batch_size,
            batch_type=arguments.train.batch_type,
            seed=self._setup.seed,
            shuffle=True,
            device=arguments.device,
            eos_index=self._model.eos_index,
            pad_index=self._model.pad_index,
        )
        epoch = 0
        while True:
            epoch += 1
            batches.batch_sampler.set_seed(self._setup.seed + epoch)
            yield from batches

    def turn(self, steps: int) -> dict[str, float]:
        """Train `steps` more: seconds, and tokens of both sides together; `</s>` counts on the target's side."""
        tokens, start = 0, time.perf_counter()
        self._model.zero_grad()
        for _ in range(steps):
            batch = next(self._batches)
            # JoeyNMT ends a source with </s>, too.
            tokens += int(batch.src_length.sum()) - batch.nseqs + int(batch.ntokens)
            self._manager._train_step(batch)
            self._manager.clip_grad_fun(parameters=self._model.parameters())
            self._manager.optimizer.step()
            self._model.zero_grad()
        return {"steps": steps, "seconds": time.perf_counter() - start, "tokens": tokens}

    def fit(self, steps: int) -> dict[str, Any]:
        """Train and save."""
        self.turn(steps)
        # Its own checkpoints hold the state of its training loop, too, which does not run here.
        torch.save({"model_state": self._model.state_dict()}, checkpoint(self._setup))
        return {}


class Replies:
    """The trained model behind JoeyNMT's interface for Python."""

    def __init__(self, setup: Setup) -> None:
        config = make_config(setup)
        config["data"]["dataset_type"] = "stream"
        config["testing"]["load_model"] = str(checkpoint(setup))
        arguments = parse_global_args(config, mode="translate")
        model, _, _, stream = prepare(arguments, rank=0, mode="translate")
        torch.set_num_threads(setup.threads)
        self._translator = TranslatorHubInterface(model, stream, arguments)

    def reply(self, batches: list[list[list[str]]], beam_width: int) -> dict[str, Any]:
        """Seconds of each batch, and the tokens that came out of it."""
        seconds, tokens = [], []
        for batch in batches:
            lines = [" ".join(sentence) for sentence in batch]
            start = time.perf_counter()
            answers = self._translator.translate(lines, beam_size=max(1, beam_width))
            seconds.append(time.perf_counter() - start)
            tokens.append(sum(len(answer.split()) for answer in answers))
        return {"seconds": seconds, "tokens": tokens}


def main() -> None:
    """Serve one mode."""
    setup, mode = read_setup()
    versions = {"engine": "JoeyNMT", "joeynmt": version("joeynmt"), "torch": version("torch")}
    if mode == "reply":
        serve({"reply": Replies(setup).reply}, versions)
    else:
        training = Training(setup)
        serve({"train": training.turn, "fit": training.fit}, versions)


if __name__ == "__main__":
    sys.exit(main())
