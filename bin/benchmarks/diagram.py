"""A reliability diagram: a bin's mean score, and the share of its answers that is right. Guo et al. (2017), Fig. 1."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.reply.reliability import BINS, Bin

_INCHES = 4.5
_DOTS = 150  # an inch
_SMALLEST, _LARGEST = 20.0, 400.0  # points², of a bin with one answer and of that with most


def draw_reliability(bins: Sequence[Bin], error: float, path: Path) -> None:
    """Write the diagram of `bins`, whose expected calibration error is `error`, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_INCHES, _INCHES), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1, label="scores that mean what they say")
    most = max((one.count for one in bins), default=1)
    sizes = [_SMALLEST + (_LARGEST - _SMALLEST) * one.count / most for one in bins]
    axes.scatter([one.score for one in bins], [one.right for one in bins], sizes, color="#2f7d4f", alpha=0.85, zorder=2)
    for one, size in zip(bins, sizes, strict=True):
        above = size**0.5 / 2 + 2
        axes.annotate(str(one.count), (one.score, one.right), (0, above), textcoords="offset points", ha="center")
    axes.set(xlim=(0, 1), ylim=(0, 1.05), xlabel="mean score", ylabel="share of answers that are right", aspect="equal")
    axes.set_xticks([tick / BINS for tick in range(0, BINS + 1, 2)])
    axes.grid(color="0.92")
    axes.set_title(f"expected calibration error {error:.3f}", fontsize=10)
    axes.legend(loc="upper left", frameon=False, fontsize=9)
    FigureCanvasAgg(figure).print_figure(path, dpi=_DOTS)
