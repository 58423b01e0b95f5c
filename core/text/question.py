"""The one form of a question: what a person meant to type, in one spelling."""

from __future__ import annotations

from core.text.keyboard import mistyped
from core.text.normalise import normalise


def normalise_question(text: str) -> str:
    """`normalise(text)`, with what was typed on the wrong keyboard layout in Hangul: dkssud is 안녕.

    Questions are learned and asked in this form, so whoever forgets the 한/영 key gets the same answer. An answer is
    never changed so: a reviewer who writes Latin letters means them.
    """
    return normalise(mistyped(normalise(text)))
