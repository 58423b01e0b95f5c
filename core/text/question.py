"""The one form of a question: what a person meant to ask, in one spelling."""

from __future__ import annotations

import re

from core.text.keyboard import mistyped
from core.text.normalise import normalise

# Laughter, tears and marks after the last word. A full stop says nothing either; a question mark does.
_FEELING = re.compile(r"(?<=[^\sㄱ-ㅣ!~^_;.…♡♥])[\sㅋㅎㅠㅜ!~^_;.…♡♥]+$")


def normalise_question(text: str) -> str:
    """`normalise(text)`, in Hangul where it was typed on the wrong layout, and without the feeling at its end.

    Questions are learned and asked in this form: dkssud is 안녕, and 안녕ㅋㅋ, 안녕!! and 안녕~ are 안녕. What is
    feeling from end to end, as ㅋㅋ or ㅠㅠ!, stays. An answer is never changed so: who writes it means it.
    """
    return _FEELING.sub("", normalise(mistyped(normalise(text))))
