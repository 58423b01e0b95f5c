"""The compiled kernels: made once, found again, and done without where they can't be made."""

import logging
import sys

import numpy as np
import pytest

from core.nmt import kernels
from core.nmt.kernels import aligned, load_kernels, pack


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache that holds nothing yet."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    kernels._load.cache_clear()
    yield lambda: sorted(path for path in tmp_path.rglob("*") if path.is_file())
    kernels._load.cache_clear()


def made_by(path, command):
    """A stand-in for a compiler, which is called with `-o` and the library's path."""
    path.write_text(f'#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\n{command}\n')
    path.chmod(0o755)
    return str(path)


def test_a_compiler_that_fails_is_done_without(cache, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("CC", made_by(tmp_path / "fails", "echo no such processor >&2; exit 1"))
    with caplog.at_level(logging.INFO):
        assert load_kernels() is None
    assert "no such processor" in caplog.text
    assert cache() == [tmp_path / "fails"]


@pytest.mark.parametrize("compiler", ["", "/no/such/compiler", "'"])
def test_where_there_is_no_compiler_there_are_no_kernels(cache, monkeypatch, compiler):
    monkeypatch.setenv("CC", compiler)
    assert load_kernels() is None
    assert cache() == []


def test_what_is_no_library_is_not_loaded(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("CC", made_by(tmp_path / "writes", 'echo nothing > "$2"'))
    assert load_kernels() is None


def test_a_cache_that_can_not_be_written_is_done_without(cache, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "file"))
    assert load_kernels() is None


def test_a_library_is_made_for_each_source_compiler_and_processor(cache, tmp_path, monkeypatch):
    compiler = [made_by(tmp_path / "copies", 'echo "$2" >> ' + str(tmp_path / "log") + '; echo made > "$2"')]
    first = kernels._compiled(compiler)
    assert kernels._compiled(compiler) == first
    assert first.read_text() == "made\n"
    assert len((tmp_path / "log").read_text().splitlines()) == 1
    monkeypatch.setattr(kernels, "_processor", lambda: "another")
    assert kernels._compiled(compiler) != first
    changed = tmp_path / "kernels.c"
    changed.write_text("int other;")
    monkeypatch.setattr(kernels, "SOURCE", changed)
    libraries = {first.name, kernels._compiled(compiler).name}
    assert len(libraries) == 2


def test_a_packed_kernel_holds_panels_of_columns():
    kernel = np.arange(3 * 20, dtype="f").reshape(3, 20)
    packed = pack(kernel)
    assert packed.shape == (2, 3, 16)
    np.testing.assert_array_equal(packed[0], kernel[:, :16])
    np.testing.assert_array_equal(packed[1, :, :4], kernel[:, 16:])
    assert not packed[1, :, 4:].any()


def test_arrays_begin_where_a_cache_line_does():
    arrays = [aligned((3, n)) for n in range(1, 20)]
    assert all(array.ctypes.data % 64 == 0 and array.flags.c_contiguous for array in arrays)
