"""bin/plot_alignments, as a person runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.slow


def plot(*arguments):
    command = [sys.executable, str(ROOT / "bin" / "plot_alignments"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def fails(*arguments):
    done = plot(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("bin/plot_alignments: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def size_of(image):
    content = image.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


@pytest.fixture
def alignments(tmp_path):
    """Three answers: a short one, a longer one, and one without tokens."""
    path = tmp_path / "alignments.jsonl"
    pairs = [
        {"source": ["a", "b"], "target": ["x"], "weights": [[0.25, 0.75]]},
        {"source": ["a", "b", "c", "d"], "target": ["x", "y", "z"], "weights": [[0.25] * 4] * 3},
        {"source": [], "target": [], "weights": []},
        {"source": ["▁밥", "먹었니"], "target": ["▁네"], "weights": [[0.5, 0.5]]},
    ]
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs), encoding="utf-8")
    return path


def test_an_answer_is_drawn_as_a_png_as_large_as_it_has_tokens(alignments, tmp_path):
    sizes = []
    for line in (0, 1):
        done = plot(alignments, tmp_path / "new" / f"{line}.png", f"--line={line}")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        sizes.append(size_of(tmp_path / "new" / f"{line}.png"))
    assert sizes[0][0] < sizes[1][0]
    assert sizes[0][1] < sizes[1][1]


def test_korean_is_shown_or_the_font_that_is_missing_is_named(alignments, tmp_path):
    done = plot(alignments, tmp_path / "korean.png", "--line=3")
    if done.returncode:
        assert "apt-get install fonts-nanum" in done.stderr
        assert not (tmp_path / "korean.png").exists()
    else:
        assert done.stderr == ""  # matplotlib warns of letters that it can't show
        size_of(tmp_path / "korean.png")


def test_what_can_not_be_drawn_is_said(alignments, tmp_path):
    image = tmp_path / "x.png"
    assert "has no line 4: lines are counted from 0" in fails(alignments, image, "--line=4")
    assert "an answer without tokens" in fails(alignments, image, "--line=2")
    assert "can't read" in fails(tmp_path / "nowhere", image)
    (tmp_path / "other").write_text('{"text": "a"}\n[1]\n{\n', encoding="utf-8")
    assert "is no alignment" in fails(tmp_path / "other", image)
    assert "is no alignment" in fails(tmp_path / "other", image, "--line=1")
    assert "can't read" in fails(tmp_path / "other", image, "--line=2")
    assert "can't write" in fails(alignments, tmp_path)
