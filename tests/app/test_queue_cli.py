"""`patchloom queue`, `history` and `sweep`, as a person types them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from assets.media import read_clip

WORKFLOW = {
    "format": "patchloom/1",
    "nodes": {
        "load": {"type": "load_clip", "version": 1, "params": {"file": "bikes.mp4", "frames": 2}},
        "sizes": {"type": "prompt_template", "version": 1, "params": {}},
    },
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, footage: Callable[[str], Path]) -> Path:
    home = tmp_path / "home"
    (home / "inputs").mkdir(parents=True)
    (home / "inputs" / "bikes.mp4").write_bytes(footage("bikes.mp4").read_bytes())
    (tmp_path / "small.loom.json").write_text(json.dumps(WORKFLOW))
    monkeypatch.setenv("PATCHLOOM_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return home


def said(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, result.output
    return result.output


def test_runs_are_queued_reordered_and_cancelled(home: Path) -> None:
    assert "nothing waits" in said("queue", "ls")
    ids = said("queue", "add", "small.loom.json", "--seeds", "3").split()
    (first,) = said("queue", "add", "small.loom.json", "--first", "--set", "load.start=4").split()

    def order() -> list[str]:
        return [line.split()[0] for line in said("queue", "ls").splitlines()[1:]]

    assert order() == [first, *ids]
    said("queue", "move", ids[0])
    said("queue", "first", ids[2])
    assert order() == [ids[2], first, ids[1], ids[0]]
    said("queue", "cancel", first)
    assert order() == [ids[2], ids[1], ids[0]]
    assert "cancelled" in said("history", "ls")
    said("history", "open", first, "-o", "again.loom.json")
    assert json.loads(Path("again.loom.json").read_text())["nodes"]["load"]["params"]["start"] == 4
    assert "is there already" in said("history", "open", first, "-o", "again.loom.json", code=1)
    assert "no run begins with 'zz'" in said("queue", "cancel", "zz", code=1)


def test_the_queue_is_worked_through_and_a_sweep_becomes_a_sheet(home: Path) -> None:
    (run,) = said("queue", "add", "small.loom.json").split()
    assert "never measured here: load, sizes" in said("forecast", "small.loom.json")
    assert "done, 2 nodes run" in said("queue", "run")
    assert "all, with 1 stored" in said("forecast", "small.loom.json", "--set", "load.start=4")
    said("sweep", "small.loom.json", "--over", "load.start=0,10", "--over", "load.stride=1..2", "-o", "sheet.mp4")
    assert read_clip(Path("sheet.mp4")).spec.frames == 2
    shown = said("history", "show", run)
    assert "load" in shown
    listed = said("history", "ls")
    assert listed.count("done") == 5
    assert "start 10, stride 2" in listed
    assert "has no widget 'seed'" in said("sweep", "small.loom.json", "--over", "load.seed=1", code=1)
