"""The picture that `bin/bench hybrid --plot` writes."""

import pytest
from benchmarks.diagram import draw_reliability

from core.reply.reliability import reliability


@pytest.mark.parametrize("scores", [[], [0.1, 0.15, 0.9, 0.95]])
def test_a_diagram_is_a_picture_with_and_without_answers(tmp_path, scores):
    path = tmp_path / "diagram.png"
    draw_reliability(reliability(scores, [True] * len(scores)), 0.1, path)
    assert path.read_bytes().startswith(b"\x89PNG")
