"""bin/generate_vocab, as a person runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # every test here starts a process

ROOT = Path(__file__).resolve().parent.parent


def generate_vocab(text, *flags):
    content = text if isinstance(text, bytes) else text.encode()
    command = [sys.executable, str(ROOT / "bin" / "generate_vocab"), *flags]
    return subprocess.run(command, input=content, capture_output=True, timeout=60, check=False)


def tokens(text, *flags):
    done = generate_vocab(text, *flags)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b"\n")
    return done.stdout.decode().removesuffix("\n").split("\n")


def test_specials_come_first_then_tokens_by_falling_frequency():
    assert tokens("나 너 너\n우리 너 나\n") == ["<unk>", "<s>", "</s>", "너", "나", "우리"]


def test_specials_in_the_input_are_written_once():
    assert tokens("<s> a </s> <unk>\n<s> b b\n") == ["<unk>", "<s>", "</s>", "b", "a"]


def test_order_does_not_depend_on_the_order_of_lines():
    lines = ["c a", "b a", "d c"]
    assert tokens("\n".join(lines)) == tokens("\n".join(reversed(lines))) == ["<unk>", "<s>", "</s>", *"acbd"]


def test_all_flags_together():
    text = "New York,Paris\nnew york,Rome,paris\nPARIS,Rome,Oslo\n"
    flags = ["--downcase", "--delimiter=,", "--min_frequency=2", "--max_vocab_size=5"]
    assert tokens(text, *flags) == ["<unk>", "<s>", "</s>", "paris", "new york"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--min_frequency=2"], ["a", "B"]),
        (["--max_vocab_size=4"], ["a"]),
        (["--max_vocab_size", "100"], ["a", "B", "b", "c"]),
        (["--downcase"], ["a", "b", "c"]),
    ],
)
def test_each_flag_alone(flags, expected):
    assert tokens("a a a B B b c\n", *flags) == ["<unk>", "<s>", "</s>", *expected]


def test_windows_line_ends_are_no_part_of_a_token():
    assert tokens(b"a b\r\nb,c\r\n", "--delimiter=,") == ["<unk>", "<s>", "</s>", "a b", "b", "c"]


@pytest.mark.parametrize(
    ("text", "flags", "complaint"),
    [
        ("", [], "no tokens on standard input"),
        (" \n\n", [], "no tokens on standard input"),
        (b"\xff\xfe a\n", [], "utf-8"),
        ("a\n", ["--max_vocab_size=2"], "max_vocab_size is 2"),
        ("a\n", ["--min_frequencies=2"], "--min_frequencies"),
        ("a\n", ["--min_frequency=few"], "--min_frequency"),
    ],
)
def test_a_mistake_is_one_clear_error_and_no_vocabulary(text, flags, complaint):
    done = generate_vocab(text, *flags)
    assert done.returncode == 2
    assert done.stdout == b""
    assert complaint in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
