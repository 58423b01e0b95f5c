"""The bundled model: whole, small enough for git, and it knows the starter corpus by itself."""

import csv
from pathlib import Path

import pytest

from core.registry import INITIAL, Registry
from core.text import Tokenizer, get_analyser, normalise_question

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def bundled():
    return Registry(DATA).get(INITIAL)


def test_its_files_are_those_that_the_manifest_names(bundled):
    Registry(DATA).verify(bundled)


def test_it_is_at_most_eight_megabytes(bundled):
    assert sum(path.stat().st_size for path in bundled.path.rglob("*") if path.is_file()) <= 8_000_000


def test_its_manifest_reports_what_it_learned(bundled):
    assert bundled.manifest.metrics["uptake"] >= 0.99
    assert bundled.manifest.parent is None


@pytest.mark.slow
def test_the_engine_alone_gives_99_percent_of_the_questions_their_answer(bundled):
    from core.nmt.inference import Translator

    with (DATA / INITIAL / "corpus.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    tokenizer, translator = Tokenizer(get_analyser()), Translator(bundled.model_dir)
    read = [tokenizer.split(normalise_question(row["question"])) for row in rows]
    sources = [tokenizer.spell_known(tokens, translator.src_vocab) for tokens in read]
    given = [tokenizer.join(answer.tokens) for answer in translator.translate(sources)]
    right = sum(answer == row["answer"] for answer, row in zip(given, rows, strict=True))
    assert right >= 0.99 * len(rows)
