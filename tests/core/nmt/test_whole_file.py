import os

import pytest

from core.nmt.vocab import SPECIALS, Vocab
from core.nmt.whole_file import whole_file


def test_a_file_is_there_when_all_of_it_is(tmp_path):
    path = tmp_path / "made" / "vocab"
    with whole_file(path) as file:
        file.write("안녕\n")
        file.flush()
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "안녕\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_writer_that_fails_leaves_what_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "vocab"
    path.write_text("before")
    with pytest.raises(OSError, match="full"), whole_file(path) as file:
        file.write("half")
        raise OSError("full")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with whole_file(path) as file:
        file.write("through")
    assert os.read(reader, 100) == b"through"
    assert path.is_fifo()
    os.close(reader)


def test_half_a_vocabulary_is_never_found(tmp_path, monkeypatch):
    """It would be a vocabulary, with other ids for the tokens that are missing."""
    path = tmp_path / "vocab.req"
    Vocab([*SPECIALS, "나"]).save(path)
    growing = Vocab([*SPECIALS, "나", "너"])
    monkeypatch.setattr(growing, "_tokens", Interrupted(growing.tokens(range(5))))
    with pytest.raises(KeyboardInterrupt):
        growing.save(path)
    assert path.read_text(encoding="utf-8").splitlines() == [*SPECIALS, "나"]


class Interrupted(list):
    """Tokens that somebody interrupts before the last of them."""

    def __iter__(self):
        yield from self[:-1]
        raise KeyboardInterrupt
