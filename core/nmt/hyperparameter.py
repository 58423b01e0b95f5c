"""One hyperparameter: its default, what it means, which values it can have, and when it may change.

It knows no hyperparameter by name; `hparams` names them all.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection
from dataclasses import Field, field
from enum import Enum
from typing import Any

from core.nmt.errors import NmtError


class Role(Enum):
    """What a hyperparameter decides, and so when it may get another value than the model was made with."""

    SHAPE = "the weights: never"
    LEARNING = "how weights are learned: with --override_loaded_hparams"
    RUN = "how long this process runs, what it tells and what it uses: whenever it is given"
    DECODING = "how answers are searched for: whenever it is given"
    NO_EFFECT = "nothing: accepted because tensorflow/nmt has it"


def flag(
    default: Any,
    description: str,
    *,
    role: Role = Role.LEARNING,
    choices: tuple[str, ...] = (),
    least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    most: float | None = None,
) -> Any:
    """A hyperparameter as a field of a dataclass.

    A number is at least `least` and at most `most`, greater than `above`, less than `below`, and always finite.
    """
    limits = {"least": least, "above": above, "below": below, "most": most}
    return field(default=default, metadata={"help": description, "role": role, "choices": choices, "limits": limits})


def check_value(spec: Field[Any], value: Any) -> None:
    """Raise `NmtError` for a value that is none of the choices, or beyond a limit."""
    choices, limits = spec.metadata["choices"], spec.metadata["limits"]
    if choices and value not in choices:
        raise NmtError(f"--{spec.name}={value} is none of {', '.join(repr(c) for c in choices)}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    least, above, below, most = limits["least"], limits["above"], limits["below"], limits["most"]
    fits = (
        math.isfinite(value)
        and (least is None or value >= least)
        and (above is None or value > above)
        and (below is None or value < below)
        and (most is None or value <= most)
    )
    if not fits:
        bounds = (("{} or more", least), ("above {}", above), ("below {}", below), ("at most {}", most))
        wanted = " and ".join(text.format(limit) for text, limit in bounds if limit is not None)
        raise NmtError(f"--{spec.name}={value} must be {wanted or 'a finite number'}")


def check_type(name: str, value: Any, kinds: tuple[type, ...]) -> Any:
    """`value`, a whole number made a float where a float is due. Raises `NmtError` for another type."""
    if float in kinds and type(value) is int:
        return float(value)
    if type(value) not in kinds:
        wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
        raise NmtError(f"{name} is {value!r}: it must be {wanted}")
    return value


def parse_text(name: str, text: str, kinds: tuple[type, ...]) -> Any:
    """The value that `text` means for a flag of these types. Raises `NmtError` when it means none."""
    if type(None) in kinds and text in ("", "None"):
        return None
    if bool in kinds:
        if text.lower() not in ("true", "false"):
            raise NmtError(f"--{name}={text} must be true or false")
        return text.lower() == "true"
    for number in (int, float):
        if number in kinds:
            try:
                return number(text)
            except ValueError as error:
                raise NmtError(f"--{name}={text} must be {'a whole' if number is int else 'a'} number") from error
    return text


def unknown_name(kind: str, name: str, valid: Collection[str]) -> NmtError:
    """The error for a name that is none of `valid`: it names what comes nearest."""
    dashes = "--" if name.startswith("--") else ""
    near = difflib.get_close_matches(name.removeprefix("--"), valid, n=1)
    return NmtError(f"unknown {kind} {name}: " + (f"did you mean {dashes}{near[0]}?" if near else "see --help"))
