"""The whole app as Daphne serves it, with a responder that needs no model: what it does is written in the question.

PYTHONPATH=. daphne --port 8001 page_server:application        (in this directory)
"""

import asyncio
from collections import Counter

from chatbot.asgi import application  # isort: skip (it sets Django up, and the rest needs that)

from chat.responder import set_responder
from core.reply import Mode, Reply, ReplyBusy, ReplyTimeout

__all__ = ["application"]

SLOW = 1.0  # seconds
OFFERS = ("이름이 뭐야?", "오늘 기분이 너무 안 좋아서 그런데 위로가 되는 말 좀 해 줄래?")


class Parrot:
    """Repeats what it hears, in a mode that it names where it is given one.

    천천히: slowly; 시간초과 and 바쁨: fails the first time; 자랐니: speaks as a new model;
    모르는: offers what it knows.
    """

    def __init__(self) -> None:
        self._heard: Counter[str] = Counter()

    def reply(self, text: str, *, mode: Mode | None = None, avoid: str = "") -> Reply:
        """Answer at once, or fail as the text asks."""
        self._heard[text] += 1
        if "시간초과" in text and self._heard[text] == 1:
            raise ReplyTimeout("asked for")
        if "바쁨" in text and self._heard[text] == 1:
            raise ReplyBusy("asked for")
        unknown = "모르는" in text
        return Reply(
            text=f"{text}, 라고 하셨군요!" + (f" ({mode})" if mode else ""),
            source="fallback" if unknown else "neural",
            score=0.0 if unknown else 0.9,
            model="grown" if "자랐니" in text else "first",
            offers=OFFERS if unknown else (),
        )

    async def areply(self, text: str, *, mode: Mode | None = None, avoid: str = "") -> Reply:
        """Answer, after a while where the text asks for it."""
        if "천천히" in text:
            await asyncio.sleep(SLOW)
        return self.reply(text, mode=mode, avoid=avoid)

    def close(self) -> None:
        """Hold nothing, so there is nothing to give back."""


set_responder(Parrot())
