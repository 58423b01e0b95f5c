"""Noisy copies: of the questions alone, and of nothing that means something else."""

import pytest

from core.corpus import CorpusSettings, Pair, build
from core.evolve.augmentation import AugmentationSettings, copies
from core.evolve.errors import EvolveError
from core.text import Tokenizer, normalise
from core.text.noise import Family, family_of

QUESTIONS = ("오늘 뭐해요", "밥 먹었어", "내일 비가 올까?", "너무 힘들어", "좋은 하루 보내요")


class Characters:
    def morphemes(self, text):
        return list(text)


@pytest.fixture
def tokenizer():
    return Tokenizer(Characters())


@pytest.fixture
def corpus(tokenizer):
    pairs = [Pair(question, f"{question} 답") for question in QUESTIONS]
    return build(pairs, tokenizer, CorpusSettings(min_frequency=1))


def test_copies_are_noisy_in_the_question_alone(corpus, tokenizer):
    made = copies(corpus, tokenizer, AugmentationSettings(copies=20, share=0.5, dropped=0))
    assert len(made) == 20 * len(corpus.train)
    clean = {example.pair.question: example for example in corpus.train}
    noisy = [example for example in made if example.source != clean[example.pair.question].source]
    assert 0.3 * len(made) < len(noisy) < 0.6 * len(made)
    assert all(example.target == clean[example.pair.question].target for example in made)
    forms = [tokenizer.join(example.source) for example in noisy]
    assert len(set(forms)) > len(QUESTIONS)
    assert all(family_of(normalise(form)) is Family.TRAINING for form in forms)


def test_the_same_corpus_gives_the_same_copies(corpus, tokenizer):
    settings = AugmentationSettings()
    assert copies(corpus, tokenizer, settings) == copies(corpus, tokenizer, settings)


def test_another_trained_question_is_no_noise(tokenizer):
    pairs = [Pair("뭐 해", "하나"), Pair("뭐해", "둘")]
    corpus = build(pairs, tokenizer, CorpusSettings(min_frequency=1))
    made = copies(corpus, tokenizer, AugmentationSettings(copies=300, share=1.0))
    assert not [e for e in made if tokenizer.join(e.source) == "뭐해" and e.pair.question == "뭐 해"]


def test_copies_without_noise_lack_some_of_their_tokens(corpus, tokenizer):
    made = copies(corpus, tokenizer, AugmentationSettings(copies=200, share=0.0, dropped=0.25))
    clean = {example.pair.question: example.source for example in corpus.train}
    lengths = [(len(example.source), len(clean[example.pair.question])) for example in made]
    left, whole = (sum(side) for side in zip(*lengths, strict=True))
    assert 0.7 < left / whole < 0.9
    assert all(left >= 2 and left >= whole / 2 for left, whole in lengths), "too little is left to ask"
    for example in made:
        rest = iter(clean[example.pair.question])
        assert all(token in rest for token in example.source), "what is left keeps its order"


def test_what_is_left_of_a_question_is_no_other_trained_question(tokenizer):
    corpus = build([Pair("가나다", "하나"), Pair("가나", "둘")], tokenizer, CorpusSettings(min_frequency=1))
    short = next(example.source for example in corpus.train if example.pair.question == "가나")
    made = copies(corpus, tokenizer, AugmentationSettings(copies=300, share=0.0, dropped=0.5))
    assert not [example for example in made if example.source == short and example.pair.question == "가나다"]
    assert [example for example in made if len(example.source) == 2 and example.pair.question == "가나다"]


def test_no_share_changes_nothing(corpus, tokenizer):
    assert copies(corpus, tokenizer, AugmentationSettings(copies=1, share=0.0, dropped=0)) == corpus.train


@pytest.mark.parametrize("values", [{"copies": -1}, {"share": 1.5}, {"dropped": -0.1}])
def test_settings_that_make_no_sense_are_refused(values):
    with pytest.raises(EvolveError, match="share"):
        AugmentationSettings(**values)
