import pytest

from chat.training.locks import Lock, Purpose
from core.evolve import RunSummary
from core.registry import Registry


@pytest.fixture
def registry(data_dir):
    return Registry(data_dir)


@pytest.fixture
def lock():
    return Lock(Purpose.TRAINING, None)


@pytest.fixture
def summary():
    def make(run="20260101-000000-abcd", status="published", **fields):
        return RunSummary(run, None, status, None, **fields)

    return make
