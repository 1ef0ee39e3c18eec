"""The version lock: code that changed under the same version is noticed."""

from dataclasses import replace
from pathlib import Path

import pytest

from nodes import lock
from nodes.registry import library

TOY = 'def toy(clip):\n    """Do nothing."""\n    return clip  # as it is\n'


def toy_fingerprint(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str, helper: str = "") -> str:
    """The fingerprint of a node whose module, which imports `nodes.helper`, has this source."""
    (folder / "nodes").mkdir(exist_ok=True)
    (folder / "nodes" / "toy.py").write_text(f"from nodes.helper import help_it\n{source}")
    (folder / "nodes" / "helper.py").write_text(f"def help_it():\n    return 1{helper}\n")
    monkeypatch.setattr(lock, "ROOT", folder)
    lock._imports.cache_clear()
    lock._normal.cache_clear()

    def toy() -> None: ...

    toy.__module__ = "nodes.toy"
    try:
        return lock.fingerprint(replace(library()["prompt"], fn=toy))
    finally:
        lock._imports.cache_clear()
        lock._normal.cache_clear()


def test_the_lock_is_up_to_date() -> None:
    """Else: raise the version of a node that computes something else, then `python -m nodes.lock`."""
    assert lock.changed_without_a_version(lock.written(), lock.now()) == []
    assert lock.written() == lock.now()


def test_comments_layout_and_docstrings_are_no_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = toy_fingerprint(tmp_path, monkeypatch, TOY)
    said = toy_fingerprint(tmp_path, monkeypatch, 'def toy(clip):\n    """Say more."""\n\n    return clip\n')
    assert plain == said


def test_a_change_of_the_code_or_of_what_it_imports_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = toy_fingerprint(tmp_path, monkeypatch, TOY)
    assert plain != toy_fingerprint(tmp_path, monkeypatch, TOY.replace("return clip", "return clip[::-1]"))
    assert plain != toy_fingerprint(tmp_path, monkeypatch, TOY, helper=" + 1")


def test_the_models_that_a_node_takes_are_part_of_its_code() -> None:
    reached = lock._reached(["nodes.dit.nodes", "nodes.dit.model"])
    assert {"nodes.dit.samplers", "nodes.dit.rope", "nodes.patches.layout"} <= reached
    assert "nodes.api" not in reached


def test_another_fingerprint_needs_another_version_or_a_word_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lock, "LOCK", tmp_path / "lock.json")
    assert lock.main([]) == 0
    version, found = lock.written()["sample"]
    (tmp_path / "lock.json").write_text((tmp_path / "lock.json").read_text().replace(found, "0" * 64))
    assert lock.main([]) == 1
    assert "sample" in capsys.readouterr().out
    assert lock.written()["sample"] == (version, "0" * 64)
    assert lock.main(["--same-results"]) == 0
    assert lock.written()["sample"] == (version, found)


@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("-h", 0), ("--same-result", 2), ("prompt", 2)])
def test_a_word_that_is_none_of_its_own_locks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], argument: str, code: int
) -> None:
    monkeypatch.setattr(lock, "LOCK", tmp_path / "lock.json")
    with pytest.raises(SystemExit) as ended:
        lock.main([argument])
    assert ended.value.code == code
    assert "--same-results" in "".join(capsys.readouterr())
    assert not lock.LOCK.exists()
