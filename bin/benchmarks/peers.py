"""The engines that this project's is measured against, each in a virtual environment of its own below `.bench/`.

None of them is a dependency: without `bin/bench peers --install` the benchmarks measure this project's engine alone.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import say

DRIVERS = Path(__file__).parent / "drivers"
PLACE = Path(__file__).parents[2] / ".bench"


@dataclass(frozen=True, slots=True)
class Engine:
    """One that is measured: its name, its driver, and what it needs; without `packages` it is this project's own."""

    name: str
    driver: str
    packages: tuple[str, ...] = ()

    @property
    def environment(self) -> Path:
        """Its virtual environment."""
        return PLACE / self.driver.removeprefix("drive_")

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.environment / "bin" / "python" if self.packages else Path(sys.executable)

    @property
    def installed(self) -> bool:
        """Whether it can be measured."""
        return not self.packages or (self.environment / "installed").exists()


JARAM = Engine("Jaram", "drive_jaram")
# One PyTorch for both, the newest that OpenNMT-py 3.5 and JoeyNMT 2.3 both run with.
TORCH = ("torch==2.1.2", "numpy==1.26.4")
PEERS = (
    Engine("OpenNMT-py 3.5.1", "drive_opennmt", ("OpenNMT-py==3.5.1", *TORCH)),
    Engine("JoeyNMT 2.3", "drive_joeynmt", ("joeynmt==2.3.0", "importlib_metadata", *TORCH)),
)


def engines() -> list[Engine]:
    """This project's engine, and the peers that are installed."""
    return [JARAM, *(peer for peer in PEERS if peer.installed)]


def install() -> None:
    """Make each peer's environment: some gigabytes, for PyTorch comes with its CUDA libraries."""
    for peer in PEERS:
        if peer.installed:
            say(f"{peer.name} is in {peer.environment}")
            continue
        shutil.rmtree(peer.environment, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(peer.environment)], check=True)
        subprocess.run([str(peer.python), "-m", "pip", "install", "--quiet", *peer.packages], check=True)
        (peer.environment / "installed").write_text("\n".join(peer.packages) + "\n", encoding="utf-8")
        say(f"{peer.name} installed in {peer.environment}")
