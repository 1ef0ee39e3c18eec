"""The command line, on real footage and a workflow that needs no model."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from click.testing import Result
from rich.console import Console
from rich.progress import Progress
from typer.testing import CliRunner

from app.cli import app
from app.progress import show
from assets.media import probe
from pipelines.events import Event

SHRINK = {
    "format": "patchloom/1",
    "nodes": {
        "load": {"type": "load_clip", "version": 1, "params": {"file": "bikes.mp4", "frames": 9}},
        "small": {"type": "resize", "version": 1, "params": {"width": 48, "height": 32}},
        "save": {"type": "save_clip", "version": 1, "params": {"file": "small.mp4"}},
    },
    "wires": [
        {"from": ["load", "clip"], "to": ["small", "clip"]},
        {"from": ["small", "clip"], "to": ["save", "clip"]},
    ],
}


@pytest.fixture
def shrink(tmp_path: Path, footage: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workflow that makes bikes.mp4, which lies beside it, smaller."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bikes.mp4").write_bytes(footage("bikes.mp4").read_bytes())
    workflow = tmp_path / "shrink.loom.json"
    workflow.write_text(json.dumps(SHRINK))
    return workflow


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_run_writes_the_file_and_a_second_run_runs_no_node(shrink: Path, tmp_path: Path) -> None:
    out, home = tmp_path / "out" / "small.mp4", tmp_path / "home"
    first = run("run", shrink, "-o", out, "--home", home)
    assert first.exit_code == 0, first.output
    assert "3 nodes run, 0 from cache" in first.stderr
    found = probe(out)
    assert (found.frames, found.width, found.height) == (9, 48, 32)

    again = run("run", shrink, "-o", out, "--home", home)
    assert "0 nodes run, 3 from cache" in again.stderr

    renamed = run("run", shrink, "-o", tmp_path / "out" / "other.mp4", "--home", home)
    assert "1 nodes run, 2 from cache" in renamed.stderr


def test_an_error_is_shown_as_it_is_whatever_it_holds() -> None:
    said = StringIO()
    console = Console(file=said)
    sentence = "there is no file '[/clips].mp4'"
    show(Event("failed", "run", "load", error=sentence), Progress(console=console), {})
    assert sentence in said.getvalue()


def test_a_widget_is_set_from_the_command_line(shrink: Path, tmp_path: Path) -> None:
    out = tmp_path / "wide.mp4"
    done = run("run", shrink, "--set", "small.width=64", "-o", out, "--home", tmp_path / "home")
    assert done.exit_code == 0, done.output
    assert probe(out).width == 64


@pytest.mark.parametrize(
    ("assignment", "reason"),
    [
        ("small", "is not of the form node.param=value"),
        ("tiny.width=64", "there is no node 'tiny'; the workflow has load, small, save"),
        ("small.depth=3", "small has no 'depth' to set; it has width, height, mode"),
        ("small.width=wide", "it needs a whole number"),
        ("small.mode=shear", "choose one of: cover, contain, stretch"),
    ],
)
def test_a_wrong_assignment_is_refused_with_the_reason(shrink: Path, assignment: str, reason: str) -> None:
    refused = run("check", shrink, "--set", assignment, "--home", shrink.parent / "home")
    assert refused.exit_code == 1
    assert reason in refused.stderr


def test_check_prints_the_shape_on_every_wire(shrink: Path) -> None:
    checked = run("check", shrink, "--home", shrink.parent / "home")
    assert checked.exit_code == 0, checked.output
    assert "load.clip: 9 frames 640x272 at 25 fps" in checked.stdout
    assert "small.clip: 9 frames 48x32 at 25 fps" in checked.stdout


def test_a_missing_file_is_a_sentence_before_anything_runs(shrink: Path) -> None:
    refused = run("run", shrink, "--set", "load.file=gone.mp4", "--home", shrink.parent / "home")
    assert refused.exit_code == 1
    assert "error: load: there is no file 'gone.mp4'" in refused.stderr


def test_a_corrupt_workflow_is_a_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.loom.json"
    broken.write_text('{"format": "patchloom/1", "nodes": {')
    refused = run("check", broken, "--home", tmp_path / "home")
    assert refused.exit_code == 1
    assert "broken.loom.json: this is no workflow" in refused.stderr


def test_output_needs_one_saving_node(shrink: Path, tmp_path: Path) -> None:
    two = json.loads(shrink.read_text())
    two["nodes"]["again"] = two["nodes"]["save"]
    two["wires"].append({"from": ["small", "clip"], "to": ["again", "clip"]})
    shrink.write_text(json.dumps(two))
    refused = run("run", shrink, "-o", tmp_path / "out.mp4", "--home", tmp_path / "home")
    assert refused.exit_code == 1
    assert "save.file, again.file" in refused.stderr


def test_nodes_are_listed_and_explained() -> None:
    assert "noise_patches" in run("nodes").stdout
    assert "Sampler" in run("nodes", "sample").stdout
    assert "there is no node 'dream'" in run("nodes", "dream").stderr
