"""Curves as drawings: from points to the coordinates that a template writes as SVG. It knows no models."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 480, 250  # of the drawing, in its own units; the page scales it
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 472, 12, 212
_INSET, _LABEL_INSET = 20, 46  # of the first and the last point, so that what is written below them has room
_MOST_POINTS = 160  # of a line: more are not seen at this size
_LEAST_RATIO = 4  # of the largest value to the smallest: below it a logarithmic axis would have hardly a mark
_MOST_MARKS = 24  # above it a line is a line, and single points are not marked

Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Series:
    """One thing that was measured: points (x, y), in order of x."""

    label: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, as a coordinate, and what it says."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A point that can be pointed at."""

    x: str
    y: str
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A drawn series: a path, its marks, and what it began and ended with."""

    label: str
    path: str
    marks: list[Mark]
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Everything a template needs for one drawing. Coordinates are texts, for no language may change their dots."""

    title: str
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    view_box: str = f"0 0 {WIDTH} {HEIGHT}"
    left: int = _LEFT
    right: int = _RIGHT
    top: int = _TOP
    bottom: int = _BOTTOM


@dataclass(frozen=True, slots=True)
class Axes:
    """How a plot is laid out.

    ``logarithmic`` for values that fall by orders of magnitude, where they do. ``bounds`` of y, where the data
    should not decide. ``x_labels`` name the whole numbers 0, 1, … of x; without them x is a number itself.
    """

    logarithmic: bool = False
    bounds: tuple[float, float] | None = None
    x_labels: Sequence[str] = ()


def plot(title: str, series: Sequence[Series], axes: Axes | None = None) -> Plot | None:
    """Draw series into one plot; None when none of them has a point."""
    axes = axes or Axes()
    drawn = [one for one in series if one.points]
    if not drawn:
        return None
    points = [point for one in drawn for point in one.points]
    y_values = [value for _, value in points if value > 0 or not axes.logarithmic]
    if not y_values:
        return None
    low, high = axes.bounds or (min(y_values), max(y_values))
    logarithmic = axes.logarithmic and high >= _LEAST_RATIO * low
    y_marks = log_ticks(low, high) if logarithmic else ticks(low, high)
    low, high = min(low, y_marks[0]), max(high, y_marks[-1])
    x_low, x_high = min(x for x, _ in points), max(x for x, _ in points)
    inset = _LABEL_INSET if axes.x_labels else _INSET
    to_x = _linear(x_low, x_high, _LEFT + inset, _RIGHT - inset)
    to_y = _logarithmic(low, high) if logarithmic else _linear(low, high, _BOTTOM, _TOP)
    return Plot(
        title=title,
        lines=[_line(one, to_x, to_y, axes) for one in drawn],
        x_ticks=_x_ticks(x_low, x_high, to_x, axes),
        y_ticks=[Tick(_coordinate(to_y(value)), _short(value)) for value in y_marks],
    )


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round values that span low … high: about as many as are wanted, 1, 2 or 5 times a power of ten apart."""
    span = high - low
    if span <= abs(high) * 1e-9:  # equal, but for rounding
        span = abs(high) or 1.0
    magnitude = 10.0 ** math.floor(math.log10(span / wanted))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if span / (factor * magnitude) <= wanted)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 10) for index in range(first, max(last, first + 1) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Values 1, 2 and 5 times powers of ten that span low … high; only powers of ten where that would be many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if len(powers) <= 3 else (1,)
    values = [factor * 10.0**power for power in powers for factor in factors]
    below = max(index for index, value in enumerate(values) if value <= low * (1 + 1e-9))
    above = next((index for index, value in enumerate(values) if value >= high * (1 - 1e-9)), len(values) - 1)
    return values[below : max(above, below + 1) + 1] if len(values) > 1 else [values[0], 10 * values[0]]


def _line(series: Series, to_x: Scale, to_y: Scale, axes: Axes) -> Line:
    points = [(x, y) for x, y in series.points if y > 0 or not axes.logarithmic]
    shown = _thinned(points)
    corners = [f"{_coordinate(to_x(x))},{_coordinate(to_y(y))}" for x, y in shown]
    marks = [
        Mark(_coordinate(to_x(x)), _coordinate(to_y(y)), f"{_x_name(x, axes)}: {_value(y)}")
        for x, y in (shown if len(shown) <= _MOST_MARKS else ())
    ]
    return Line(
        label=series.label,
        path=f"M{' L'.join(corners)}" if corners else "",
        marks=marks,
        first=_value(points[0][1]) if points else "",
        last=_value(points[-1][1]) if points else "",
    )


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Every n-th point, and always the last one."""
    step = math.ceil(len(points) / _MOST_POINTS)
    return [*points[:-1:step], *points[-1:]] if step > 1 else points


def _x_ticks(low: float, high: float, to_x: Scale, axes: Axes) -> list[Tick]:
    if axes.x_labels:
        every = math.ceil(len(axes.x_labels) / 4)
        return [Tick(_coordinate(to_x(x)), name) for x, name in list(enumerate(axes.x_labels))[::every]]
    inside = [value for value in ticks(low, high) if low <= value <= high] or [low]
    return [Tick(_coordinate(to_x(value)), _short(value)) for value in inside]


def _x_name(x: float, axes: Axes) -> str:
    return axes.x_labels[int(x)] if axes.x_labels else _short(x)


def _linear(low: float, high: float, start: float, end: float) -> Scale:
    if high == low:
        return lambda value: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _logarithmic(low: float, high: float) -> Scale:
    scale = _linear(math.log10(low), math.log10(high), _BOTTOM, _TOP)
    return lambda value: scale(math.log10(value))


def _coordinate(value: float) -> str:
    return f"{value:.1f}"


def _short(value: float) -> str:
    """A number as an axis has room for it: 12,000 as 12k."""
    if abs(value) >= 10_000:
        return f"{value / 1000:.4g}k"
    return f"{value:.4g}"


def _value(value: float) -> str:
    """A measured value: three digits, or all before the dot."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
