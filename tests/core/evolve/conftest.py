"""A registry in a directory of its own, and a run of the pipeline with an engine that trains nothing."""

import pytest

from core.evolve import EvolveSettings, evolve
from core.registry import Registry
from tests.core.evolve.fake_engine import PAIRS, FakeEngine


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "data")


@pytest.fixture
def settings():
    return EvolveSettings(analyser="mecab", min_free_bytes=0)


@pytest.fixture
def run(registry, settings):
    def run(pairs=PAIRS, *, runner=None, on_progress=lambda progress: None, settings=settings, **options):
        runner = runner or FakeEngine()
        return evolve(pairs, registry=registry, settings=settings, on_progress=on_progress, runner=runner, **options)

    return run
