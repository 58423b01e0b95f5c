import logging

import pytest

from core.corpus import CorpusSettings, Pair, build
from core.evolve.inspection import inspect_corpus
from core.registry import Manifest, Run
from core.text import Tokenizer


class Words:
    name = "words"

    def morphemes(self, text):
        return text.split()


@pytest.fixture
def corpus():
    pairs = [Pair(f"질문 {number}", "대답", category="일상") for number in range(40)]
    return build(pairs, Tokenizer(Words()), CorpusSettings())


def codes(report):
    return {finding.code for finding in report.findings}


def run(path, validation=None):
    return Run("live", path, Manifest("live", "2026-01-01T00:00:00+00:00", validation=validation or {}))


def test_without_a_live_model_there_is_no_drift(corpus):
    assert not any(code.endswith("drift") for code in codes(inspect_corpus(corpus, None)))


def test_the_live_models_profile_comes_from_its_manifest(corpus, tmp_path):
    manifest = inspect_corpus(corpus, None).to_dict()
    found = inspect_corpus(corpus, run(tmp_path, manifest))
    assert {"question_length_drift", "answer_length_drift"} <= codes(found)
    assert all(finding.value < 0.05 for finding in found.findings if finding.code.endswith("drift"))


def test_an_older_run_is_known_by_its_files(corpus, tmp_path):
    corpus.write(tmp_path)
    found = codes(inspect_corpus(corpus, run(tmp_path)))
    assert "question_length_drift" in found
    assert "category_drift" not in found


@pytest.mark.parametrize("validation", [{"profile": {"questions": 3}}, {}])
def test_a_live_model_of_which_nothing_is_known_is_not_compared(corpus, tmp_path, caplog, validation):
    with caplog.at_level(logging.WARNING):
        found = inspect_corpus(corpus, run(tmp_path, validation))
    assert not any(code.endswith("drift") for code in codes(found))
    assert "no drift is looked for" in caplog.text
