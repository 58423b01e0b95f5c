"""What Jaram says when it has nothing to say: never the same sentence twice in a row."""

from __future__ import annotations

import itertools
import random

from core.reply.blocklist import Blocklist

UNKNOWN = (
    "그건 아직 배우지 못했어요. 다른 말로 물어봐 주시겠어요?",
    "음, 아직 거기까지는 못 배웠어요. 조금 더 쉽게 말해 주실래요?",
    "아직 제가 모르는 이야기예요. 어떤 답이 좋을지 차근차근 배워 올게요.",
    "처음 듣는 이야기라 뭐라고 답해야 할지 모르겠어요. 다르게 한번 말해 주세요.",
    "미안해요, 아직 대답할 만큼 배우지 못했어요. 다른 이야기도 들려주세요.",
    "그 이야기는 아직 배우는 중이에요. 조금만 더 자세히 말해 주시겠어요?",
    "어렵네요! 아직 배운 적이 없는 말이에요. 다음에는 꼭 대답할 수 있게 배워 둘게요.",
    "아직은 잘 모르겠어요. 제가 아는 다른 이야기를 나눠 볼까요?",
)
UNHEARD = (
    "아무 말도 안 들렸어요. 하고 싶은 말이 있으면 편하게 적어 주세요.",
    "빈 메시지가 왔어요. 무슨 이야기를 해 볼까요?",
    "듣고 있어요. 편하게 말해 주세요.",
)
BLOCKED = (
    "그 이야기는 나누기 어려워요. 다른 이야기를 해 볼까요?",
    "그 말에는 답하지 않을게요. 대신 오늘 있었던 일을 들려주세요.",
    "저는 그런 이야기는 하지 않아요. 우리 다른 이야기 해요.",
)


class Fallback:
    """Gives the sentences of one kind in turn, from a random place on. Safe to share between threads."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        self._count = len(sentences)
        start = random.randrange(len(sentences))
        # One step of a cycle is a single operation of the interpreter, so threads need no lock here.
        self._next = itertools.cycle(sentences[start:] + sentences[:start])

    def sentence(self, avoid: str = "", *, rules: Blocklist | None = None) -> str:
        """The next sentence that is not `avoid`, the answer that was given last, and that `rules` do not block.

        Where they block all, something must be said all the same.
        """
        others = (sentence for sentence in self._next if sentence != avoid)
        allowed = (one for one in itertools.islice(others, self._count) if rules is None or not rules.blocks(one))
        return next(allowed, None) or next(others)
