"""Fixtures for tests of nodes."""

import pytest
from tiny_models import Bench, TinyModels, write_tiny_models


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModels:
    return write_tiny_models(tmp_path_factory.mktemp("weights"))
