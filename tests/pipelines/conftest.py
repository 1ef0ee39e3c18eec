"""Fixtures of the pipelines floor."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import small_nodes
from engine_bench import Bench

import assets
from assets.files import Files
from nodes.api import Node

SAMPLES = Path(assets.__file__).parent / "samples"


@pytest.fixture(scope="session")
def library() -> dict[str, Node]:
    return small_nodes.library()


@pytest.fixture
def files(workspace: Path) -> Files:
    return Files((workspace / "inputs",), workspace / "outputs")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Warm for the whole module: tests choose texts and seeds of their own, so that they share no results."""
    bench = Bench(tmp_path_factory.mktemp("bench"))
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """An executor with the real nodes, on the shipped weights and samples."""
    bench = Bench(tmp_path_factory.mktemp("studio"), nodes="nodes.registry", inputs=SAMPLES)
    yield bench
    bench.close()


@pytest.fixture(autouse=True)
def _forget_events(request: pytest.FixtureRequest) -> None:
    if "bench" in request.fixturenames:
        request.getfixturevalue("bench").events.clear()
