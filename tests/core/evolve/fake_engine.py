"""An engine that trains nothing, and what it is given to learn."""

import json
import shutil

from core.corpus import Pair
from core.evolve import EvolveError
from core.nmt.hparams import HParams, flag_fields
from core.nmt.hparams_file import save_hparams
from core.text import Tokenizer

PAIRS = [
    Pair("안녕?", "안녕하세요!", row=1),
    Pair("이름이 뭐야?", "저는 자람이에요.", row=2),
    Pair("뭐 해?", "이야기를 기다려요.", bulk=True, row=3),
    Pair("   ", "빈 질문이에요.", row=4),
]


class FakeEngine:
    """Trains by noting the corpus, answers with what it noted, and nothing to questions that hold `forgets`."""

    def __init__(self, forgets=None, fails_at="", error=None, answers=None):
        self.forgets = forgets
        self.fails_at = fails_at
        self.error = error or EvolveError("the engine failed: the loss is nan")
        self.calls = []
        self.answers = answers

    def __call__(self, call, on_wait):
        call.log.write_text(f"$ python -m core.nmt {' '.join(call.arguments)}\n", encoding="utf-8")
        self.calls.append(call)
        phase = "reply" if call.module == "core.reply" else "train" if "train_prefix" in call.flags else "evaluate"
        if phase == self.fails_at:
            raise self.error
        getattr(self, f"_{phase}")(call, on_wait)

    def _train(self, call, on_wait):
        directory = call.directory
        model = directory / call.flags["out_dir"]
        model.mkdir(exist_ok=True)
        known = {spec.name for spec in flag_fields()}
        save_hparams(HParams.from_values({name: call.flags[name] for name in call.flags if name in known}), model)
        for vocab in ("vocab.req", "vocab.rep"):
            shutil.copyfile(directory / vocab, model / vocab)
        (model / "weights").write_bytes(b"weights")
        questions, answers = ((directory / f"train.{side}").read_text("utf-8").splitlines() for side in ("req", "rep"))
        self.known = dict(zip(questions, answers, strict=True))
        line = {
            "phase": "train",
            "step": 5,
            "total": call.flags["num_train_steps"],
            "loss": 1.5,
            "wps": 9.0,
            "eta_s": 2.0,
        }
        (directory / call.flags["progress_file"]).write_text(json.dumps(line) + "\n", encoding="utf-8")
        on_wait()

    def _reply(self, call, on_wait):
        known = {Tokenizer.join(q.split(" ")): Tokenizer.join(a.split(" ")) for q, a in self.known.items()}
        asked = (call.directory / call.flags["questions"]).read_text("utf-8").splitlines()
        output = call.directory / call.flags["answers"]
        output.write_text("".join(f"{known[question]}\n" for question in asked), encoding="utf-8")

    def _evaluate(self, call, on_wait):
        asked = (call.directory / call.flags["inference_input_file"]).read_text("utf-8").splitlines()
        answers = [self.known.get(question, "▁글쎄") for question in asked]
        if self.forgets:
            spaceless = [question.replace(" ", "") for question in asked]
            answers = ["" if self.forgets in q else a for q, a in zip(spaceless, answers, strict=True)]
        answers = self.answers if self.answers is not None else answers
        output = call.directory / call.flags["inference_output_file"]
        output.write_text("".join(f"{answer}\n" for answer in answers), encoding="utf-8")
        on_wait()
