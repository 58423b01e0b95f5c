"""The compiled kernels: made once, found again, and done without where they can't be made."""

import logging
import os
import re
import shlex
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

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


def test_what_is_no_library_is_not_loaded_and_not_kept(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("CC", made_by(tmp_path / "writes", 'echo nothing > "$2"'))
    assert load_kernels() is None
    assert cache() == [tmp_path / "writes"]


def test_a_compiler_that_hangs_is_ended_with_all_that_it_has_started(cache, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(kernels, "_PATIENCE", 0.3)
    monkeypatch.setenv("CC", made_by(tmp_path / "hangs", f"exec 3> {tmp_path}/pipe; sleep 60; exit 1"))
    os.mkfifo(tmp_path / "pipe")
    pipe = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    start = time.monotonic()
    with caplog.at_level(logging.INFO):
        assert load_kernels() is None
    assert "timed out" in caplog.text
    os.set_blocking(pipe, True)
    assert os.read(pipe, 1) == b""  # nobody has it open any more
    assert time.monotonic() - start < 30
    os.close(pipe)


@pytest.fixture
def compiler(made_here, cache, tmp_path, monkeypatch):
    """A stand-in that is quick, for it copies what was compiled before; and how often it was called."""
    log = tmp_path / "log"
    name = made_by(tmp_path / "copies", f'echo "$2" >> {log}; cp {made_here} "$2"')
    monkeypatch.setenv("CC", name)
    return name, lambda: len(log.read_text().splitlines())


@pytest.fixture
def made_here():
    """The kernels as this machine's compiler makes them."""
    if load_kernels() is None:
        pytest.skip("there is no C compiler")
    kept = kernels._kept(shlex.split(os.environ.get("CC", "cc")))
    if not kept.exists():
        pytest.skip("nothing is kept beside Python's own compiled files")
    return kept


def start_anew():
    """What another process would find."""
    kernels._load.cache_clear()
    return load_kernels()


def test_a_library_is_made_once(compiler, cache):
    name, calls = compiler
    kept = kernels._kept([name])
    assert load_kernels() is not None
    assert kept in cache()
    assert start_anew() is not None
    assert calls() == 1


def test_a_library_is_made_for_each_source_compiler_and_machine(tmp_path, monkeypatch):
    libraries = {kernels._kept(["cc"]), kernels._kept(["gcc"])}
    monkeypatch.setattr(kernels, "_machine", lambda: "another")
    libraries.add(kernels._kept(["cc"]))
    changed = tmp_path / "kernels.c"
    changed.write_text("int other;")
    monkeypatch.setattr(kernels, "SOURCE", changed)
    libraries.add(kernels._kept(["cc"]))
    assert len({library.name for library in libraries}) == 4


def test_where_nothing_can_be_kept_it_is_made_at_every_start(compiler, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "file"))
    with caplog.at_level(logging.INFO):
        assert load_kernels() is not None
    assert f"none is kept in {tmp_path / 'file'}" in caplog.text
    assert start_anew() is not None
    assert compiler[1]() == 2


def test_a_damaged_library_is_made_again(compiler):
    name, calls = compiler
    kept = kernels._kept([name])
    kept.parent.mkdir(parents=True)
    kept.write_text("half of")
    assert load_kernels() is not None
    assert start_anew() is not None
    assert calls() == 1


@pytest.mark.parametrize("found", [False, True])
def test_libraries_of_other_sources_go_once_there_is_one_of_this(compiler, made_here, found):
    kept = kernels._kept([compiler[0]])
    kept.parent.mkdir(parents=True)
    of_other_machine = kept.with_name(f"{kept.with_suffix('').stem}.{'0' * 16}.so")
    stays = [of_other_machine, kept.with_name("model.cpython-311.pyc")]
    goes = [kept.with_name(f"kernels.{'1' * 16}.{'0' * 16}.so"), kept.with_name(f"kernels.{'2' * 16}.so")]
    for path in (*stays, *goes, *([kept] if found else [])):
        shutil.copy(made_here, path)
    loaded = kernels._open(goes[0])
    assert load_kernels() is not None
    assert sorted(kept.parent.iterdir()) == sorted([kept, *stays])
    rows, packed, out = (aligned(shape) for shape in ((1, 2), (1, 2, 16), (1, 16)))
    rows[:], packed[:] = 3, 5
    arrays = (rows.ctypes.data, 2, packed.ctypes.data, out.ctypes.data, 16, False)
    loaded.nmt_product(1, 2, 1, *arrays)  # a process that has it open goes on with it
    assert out.tolist() == [[30.0] * 16]


def test_a_compiler_at_work_is_left_alone_and_what_a_killed_one_left_goes(compiler):
    kept = kernels._kept([compiler[0]])
    kept.parent.mkdir(parents=True)
    at_work, killed = (kept.with_name(f"{kernels._WORKSHOP}{name}") for name in ("works", "killed"))
    for place in (at_work, killed):
        place.mkdir()
        (place / f"kernels.{'1' * 16}.{'0' * 16}.so").write_text("half of")
    os.utime(killed, (time.time() - 2 * kernels._ABANDONED,) * 2)
    assert load_kernels() is not None
    assert sorted(kept.parent.iterdir()) == sorted([kept, at_work])
    assert len(list(at_work.iterdir())) == 1


def test_several_sources_that_are_compiled_at_once_do_without_one_anothers_libraries(compiler, monkeypatch):
    name, _ = compiler
    kept, sources = kernels._kept([name]), count()
    monkeypatch.setattr(kernels, "_kept", lambda _: kept.with_name(f"kernels.{next(sources)}.{'0' * 16}.so"))
    with ThreadPoolExecutor(4) as pool:
        assert None not in list(pool.map(kernels._library, [[name]] * 8))
    assert len(os.listdir(kept.parent)) <= 1


@pytest.mark.parametrize("writable", ["directory", "library"])
def test_what_anybody_could_have_written_is_not_loaded(compiler, made_here, writable):
    name, calls = compiler
    kept = kernels._kept([name])
    kept.parent.mkdir(parents=True)
    shutil.copy(made_here, kept)
    (kept.parent if writable == "directory" else kept).chmod(0o777)
    assert load_kernels() is not None
    assert calls() == 1
    assert start_anew() is not None
    assert calls() == (2 if writable == "directory" else 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_belongs_to_somebody_else_is_not_loaded(compiler, made_here):
    name, calls = compiler
    kept = kernels._kept([name])
    kept.parent.mkdir(parents=True)
    shutil.copy(made_here, kept)
    os.chown(kept, 12345, 12345)
    assert load_kernels() is not None
    assert (calls(), kept.stat().st_uid) == (1, 0)


def test_nobody_else_may_change_what_is_kept_whatever_the_umask(compiler):
    kept = kernels._kept([compiler[0]])
    umask = os.umask(0)
    try:
        assert load_kernels() is not None
    finally:
        os.umask(umask)
    assert {path.stat().st_mode & 0o777 for path in (kept, kept.parent)} == {0o755}


def test_several_that_start_at_once_leave_one_library(compiler, cache):
    name, _ = compiler
    with ThreadPoolExecutor(4) as pool:
        assert None not in list(pool.map(kernels._library, [[name]] * 4))
    kept = kernels._kept([name])
    assert os.listdir(kept.parent) == [kept.name]


def test_sizes_are_those_of_the_c_file():
    source = kernels.SOURCE.read_text(encoding="utf-8")
    for name in ("PANEL", "SCORED", "PART"):
        assert re.search(rf"^#define {name} {getattr(kernels, name)}\b", source, re.MULTILINE)
    assert "enum { NO_MEMORY, DONE, NO_TOKEN };" in source


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
