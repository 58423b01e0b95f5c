"""One whole run with the real engine: learn, be served, correct, learn again, and the same responder knows it."""

import time
from dataclasses import replace

import pytest

from core.corpus import Pair
from core.evolve import EvolveSettings, evolve
from core.evolve.augmentation import AugmentationSettings
from core.registry import Registry
from core.reply import Responder

QUESTIONS = {
    "안녕?": "안녕하세요! 반가워요.",
    "이름이 뭐야?": "저는 자람이에요.",
    "너는 누구니?": "저는 자람이에요.",
    "뭐 해?": "당신을 기다리고 있었어요.",
    "밥 먹었어?": "저는 밥 대신 말을 먹고 자라요.",
    "배고파": "맛있는 걸 챙겨 드세요.",
    "졸려": "오늘은 일찍 주무세요.",
    "심심해": "저랑 이야기해요!",
    "고마워": "저도 고마워요.",
    "미안해": "괜찮아요.",
    "사랑해": "저도 좋아해요.",
    "날씨가 좋네": "산책하기 좋은 날이에요.",
    "비가 와": "우산을 꼭 챙기세요.",
    "추워": "따뜻하게 입으세요.",
    "더워": "시원한 물을 드세요.",
    "힘들어": "오늘도 수고 많았어요.",
    "기뻐": "저까지 기분이 좋아져요! ㅎㅎ",
    "슬퍼": "제가 곁에 있을게요.",
    "2+3은?": "5예요. 맞죠?",
    "잘 자": "좋은 꿈 꾸세요.",
}
PLAIN = EvolveSettings(
    engine={
        "num_layers": 1,
        "num_units": 64,
        "attention": "scaled_luong",
        "optimizer": "adam",
        "learning_rate": 0.01,
        "dropout": 0.0,
        "batch_size": 20,
        "num_train_steps": 240,
    },
    augmentation=AugmentationSettings(copies=1),
    threads=1,
    min_free_bytes=0,
)
# Learned in little time, and answered as by default: by all members, among the known targets.
AS_BY_DEFAULT = replace(
    PLAIN,
    engine={**EvolveSettings().engine, **PLAIN.engine, "encoder_type": "uni", "num_train_steps": 600},
    augmentation=AugmentationSettings(copies=0),
)


def learn(registry, answers, settings):
    pairs = [Pair(question, answer, row=row) for row, (question, answer) in enumerate(answers.items())]
    return evolve(pairs, registry=registry, settings=settings, on_progress=lambda progress: None)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [PLAIN, AS_BY_DEFAULT], ids=["plain", "as by default"])
def test_a_correction_is_learned_and_served_without_a_restart(tmp_path, settings):
    registry = Registry(tmp_path / "data")
    first = learn(registry, QUESTIONS, settings)
    assert first.scores.uptake == 1
    assert first.learned == first.reviewed == len(QUESTIONS)
    with Responder.open(registry.data_dir, mode="neural") as responder:
        assert {question: responder.reply(question).text for question in QUESTIONS} == QUESTIONS
        corrected = {**QUESTIONS, "이름이 뭐야?": "자람이라고 불러 주세요, 꼭이요!"}
        second = learn(registry, corrected, settings)
        assert second.warm
        assert second.parent == first.run
        deadline = time.monotonic() + 10
        while responder.model != second.run:
            assert time.monotonic() < deadline, "the new model was not taken"
            time.sleep(0.05)
        assert {question: responder.reply(question).text for question in QUESTIONS} == corrected
        registry.rollback()
        deadline = time.monotonic() + 10
        while responder.reply("이름이 뭐야?").text != QUESTIONS["이름이 뭐야?"]:
            assert time.monotonic() < deadline, "the old model was not taken back"
            time.sleep(0.05)
