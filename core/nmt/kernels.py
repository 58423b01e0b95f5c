"""Finds, makes and loads what `kernels.c` holds. It knows C's side alone: no model and no search.

The file is compiled for the machine that runs it, at first use, and what came out is kept beside Python's own compiled
files, in place of what earlier sources came to. Where that directory can't be written to, or others could write to it,
it is compiled at every start. Where there is no compiler, or it fails, there are no kernels: NumPy does the same work
then, in more time.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import logging
import os
import platform
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.nmt.numpy_layers import Floats

logger = logging.getLogger(__name__)

SOURCE = Path(__file__).with_name("kernels.c")

# As in the C file: columns that lie together in a packed kernel; rows of logits that are looked at together, and the
# tokens of a vocabulary's part.
PANEL, SCORED, PART = 16, 12, 128

# As there too, what a call comes to.
NO_MEMORY, DONE, NO_TOKEN = range(3)

# Results as the standard has them, but nobody asks for errno or for what the processor traps.
_FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")
_PATIENCE = 60  # seconds for the compiler, which takes one

# Where a compiler works, and after how many seconds nobody can be at work there any more.
_WORKSHOP, _ABANDONED = "kernels.making-", 24 * 3600

# A processor's cache lines, in bytes: vectors that lie across two of them are dear.
_LINE = 64

_SIZE, _POINTER, _FLAG = ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_int
_FUNCTIONS = {
    "nmt_product": (None, [_SIZE] * 3 + [_POINTER, _SIZE, _POINTER, _POINTER, _SIZE, _FLAG]),
    "nmt_read_tokens": (_FLAG, [_POINTER, _SIZE, _SIZE] + [_POINTER] * 5),
    "nmt_step": (_FLAG, [_POINTER, _POINTER, _SIZE] + [_POINTER] * 4),
    "nmt_search_greedily": (_FLAG, [_POINTER] * 3 + [_SIZE] + [_POINTER] * 5),
    "nmt_scores": (None, [_POINTER, _SIZE] + [_POINTER] * 4),
    "nmt_likeliest": (None, [_POINTER, _SIZE] + [_POINTER] * 5),
    "nmt_best": (_SIZE, [_POINTER, _SIZE] + [_POINTER] * 6 + [_SIZE] + [_POINTER] * 3),
}


class StackStruct(ctypes.Structure):
    """`Stack` of the C file."""

    _fields_ = [
        ("layers", _SIZE),
        ("units", _SIZE),
        ("first_residual", _SIZE),
        ("tokens", _SIZE),
        ("table", _POINTER),
        ("inputs", _POINTER),
        ("states", _POINTER),
        ("biases", _POINTER),
    ]


class DecoderStruct(ctypes.Structure):
    """`Decoder` of the C file; `kept` is what its addresses are of, which lives as long as it does."""

    kept: object = None
    _fields_ = [
        ("stack", StackStruct),
        ("output_attention", _SIZE),
        ("size", _SIZE),
        ("query_kernel", _POINTER),
        ("projection", _POINTER),
    ]


class MemoryStruct(ctypes.Structure):
    """`Memory` of the C file."""

    _fields_ = [("most", _SIZE), ("tokens", _POINTER), ("lengths", _POINTER)]


class LimitsStruct(ctypes.Structure):
    """`Limits` of the C file."""

    _fields_ = [("start", _SIZE), ("end", _SIZE), ("longest", _SIZE), ("bounds", _POINTER)]


def load_kernels() -> ctypes.CDLL | None:
    """The functions of `kernels.c`, which let other threads run, or `None`. `CC` names the compiler; empty is none."""
    return _load(os.environ.get("CC", "cc"))


@lru_cache
def _load(compiler: str) -> ctypes.CDLL | None:
    if not compiler:
        return None
    try:
        return _library(shlex.split(compiler))
    except (OSError, ValueError, AttributeError, subprocess.SubprocessError) as error:
        reason = getattr(error, "stderr", None) or error
        logger.info("answers are worked out without compiled kernels, which is slower: %s", reason)
        return None


def _library(compiler: list[str]) -> ctypes.CDLL:
    """What an earlier start has kept, or else compiled now, and kept where nobody else can put another in its place."""
    kept = _kept(compiler)
    if _is_trusted(kept.parent) and _is_trusted(kept):
        try:
            library = _open(kept)
        except (OSError, AttributeError) as error:  # a damaged disk, or a library of that name from elsewhere
            logger.info("compiled kernels are made anew: %s", error)
        else:
            _clear(kept)
            return library
    directory = _make_cache(kept.parent)
    with tempfile.TemporaryDirectory(dir=directory, prefix=_WORKSHOP) as place:
        fresh = Path(place) / kept.name
        _compile([*compiler, *_FLAGS, "-o", str(fresh), str(SOURCE), "-lm"], Path(place) / "messages")
        library = _open(fresh)
        if directory:
            _keep(fresh, kept)
            _clear(kept)
        else:
            logger.info("kernels are compiled at every start: none is kept in %s, see its owner and mode", kept.parent)
    return library


def _open(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _compile(command: list[str], messages: Path) -> None:
    """Run a compiler, whose words go to a file: a pipe would be waited for as long as any of its children has it."""
    with (
        messages.open("wb") as said,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, process_group=0) as process,
    ):
        try:
            process.wait(_PATIENCE)
        finally:
            if process.poll() is None:  # `cc` has others do the work, which have to end with it
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        text = messages.read_text(encoding="utf-8", errors="replace")
        raise subprocess.CalledProcessError(process.returncode, command, stderr=text)


def _keep(fresh: Path, kept: Path) -> None:
    """Other processes, and other starts, find all of it or nothing."""
    fresh.chmod(0o755)
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(kept)


def _clear(kept: Path) -> None:
    """Remove the libraries of other sources than that of `kept`, and what compilers left that were killed.

    A process that has loaded such a library keeps it; one that was about to compiles its own again.
    """
    source = kept.with_suffix("").stem  # what comes before the compiler's and the machine's part
    for other in kept.parent.glob("kernels.*.so"):
        if not other.name.startswith(f"{source}."):
            with suppress(OSError):
                other.unlink()
    for place in kept.parent.glob(f"{_WORKSHOP}*"):
        with suppress(OSError):
            if time.time() - place.stat().st_mtime > _ABANDONED:
                shutil.rmtree(place)


def _make_cache(cache: Path) -> Path | None:
    """The directory, if libraries can be kept there; otherwise they are gone, with the place, once they are loaded."""
    with suppress(OSError):
        cache.mkdir(mode=0o755, parents=True, exist_ok=True)
    return cache if _is_trusted(cache) and os.access(cache, os.W_OK | os.X_OK) else None


def _is_trusted(path: Path) -> bool:
    """Whether nobody can have changed it who could not change this program as well."""
    try:
        found, source = path.stat(), SOURCE.stat()
    except OSError:
        return False
    return found.st_uid in (0, os.geteuid(), source.st_uid) and not found.st_mode & stat.S_IWOTH


def _kept(compiler: list[str]) -> Path:
    """`kernels.<source>.<compiler and kind of machine>.so`, beside Python's own compiled files."""
    name = ".".join(["kernels", _digest(SOURCE.read_bytes(), _FLAGS), _digest(compiler, _machine()), "so"])
    return Path(importlib.util.cache_from_source(str(SOURCE.with_suffix(".py")))).with_name(name)


def _digest(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def _machine() -> str:
    """What tells machines apart that can't run one another's code."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    abilities = {line for line in lines if line.startswith(("flags", "Features", "model name"))}
    kind = [platform.system(), *platform.libc_ver(), platform.machine(), platform.processor()]
    return " ".join([*kind, *sorted(abilities or {platform.node()})])


def address(array: NDArray[np.generic]) -> int:
    """Where the numbers of an array begin; `TypeError` for one with gaps, `ValueError` for one of none."""
    return ctypes.addressof(ctypes.c_char.from_buffer(array.data))  # sooner than what NumPy has for it


def pack(kernel: Floats) -> Floats:
    """`kernel` (I, O) in the order in which products read it, (ceil(O / 16), I, 16)."""
    inputs, outputs = kernel.shape
    panels = -(-outputs // PANEL)
    packed = aligned((panels, inputs, PANEL))
    filled = np.zeros((inputs, panels * PANEL), np.float32)
    filled[:, :outputs] = kernel
    packed[:] = filled.reshape(inputs, panels, PANEL).transpose(1, 0, 2)
    return packed


def aligned(shape: tuple[int, ...]) -> Floats:
    """An array with whatever was there before, that begins where a cache line does."""
    size = int(np.prod(shape))
    room = np.empty(size + _LINE // 4, np.float32)
    start = -room.ctypes.data % _LINE // 4
    return room[start : start + size].reshape(shape)
