"""What Jaram says when it has nothing to say: never the same sentence twice in a row."""

from __future__ import annotations

import itertools
import random

UNKNOWN = (
    "음, 그건 아직 잘 모르겠어요. 다르게 말해 주시겠어요?",
    "아직 배우는 중이라 무슨 뜻인지 모르겠어요. 조금 더 쉽게 말해 주세요.",
    "그 이야기는 처음 들어 봐요. 더 알려 주실래요?",
    "제가 잘 이해하지 못했어요. 한 번만 다시 말해 주세요.",
    "어렵네요! 금방 배워 올 테니 다른 이야기도 들려주세요.",
    "잘 모르는 이야기라 대답하기가 어려워요. 조금만 더 자세히 말해 주시겠어요?",
)
UNHEARD = (
    "아무 말도 안 들렸어요. 하고 싶은 말이 있으면 편하게 적어 주세요.",
    "빈 메시지가 왔어요. 무슨 이야기를 해 볼까요?",
    "듣고 있어요. 편하게 말해 주세요.",
)


class Fallback:
    """Gives the sentences of one kind in turn, from a random place on. Safe to share between threads."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        start = random.randrange(len(sentences))
        # One step of a cycle is a single operation of the interpreter, so threads need no lock here.
        self._next = itertools.cycle(sentences[start:] + sentences[:start])

    def sentence(self) -> str:
        """The next sentence."""
        return next(self._next)
