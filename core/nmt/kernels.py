"""Finds, makes and loads what `kernels.c` holds. It knows C's side alone: no model and no search.

The file is compiled for the machine that runs it, at first use, and what came out is kept beside Python's own compiled
files. Where there is no compiler, or it fails, there are no kernels: NumPy does the same work then, in more time.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import logging
import os
import platform
import shlex
import subprocess
import tempfile
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
        library = ctypes.CDLL(str(_compiled(shlex.split(compiler))))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        reason = getattr(error, "stderr", None) or error
        logger.info("answers are worked out without compiled kernels, which is slower: %s", reason)
        return None
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _compiled(compiler: list[str]) -> Path:
    """The library's path, compiled unless it is there: one for each source, compiler and kind of processor."""
    source = SOURCE.read_bytes()
    key = hashlib.blake2b(repr((source, compiler, _FLAGS, _processor())).encode(), digest_size=8).hexdigest()
    library = Path(importlib.util.cache_from_source(str(SOURCE.with_suffix(".py")))).with_name(f"kernels.{key}.so")
    if library.exists():
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as place:
        fresh = Path(place) / library.name
        command = [*compiler, *_FLAGS, "-o", str(fresh), str(SOURCE), "-lm"]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PATIENCE)
        fresh.replace(library)  # other processes find all of it or nothing
    return library


def _processor() -> str:
    """What tells processors apart that can't run one another's code."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    abilities = {line for line in lines if line.startswith(("flags", "Features", "model name"))}
    return " ".join([platform.machine(), platform.processor(), *sorted(abilities)])


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
