"""Fixtures for tests of nodes."""

import pytest
from bench import Bench
from tiny_models import TinyModels, write_tiny_models


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModels:
    return write_tiny_models(tmp_path_factory.mktemp("weights"))
