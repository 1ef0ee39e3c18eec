"""Groups of the library: files in the workspace that every workflow can use."""

from pathlib import Path

import pytest

from app.kept_groups import KeptGroup, KeptGroups, KeptName
from assets.files import FileRefused
from pipelines.document import DocumentError, load

RECORDS = {
    "group:look": {"label": "Look", "outputs": {"text": ["prompt", "text"]}},
    "node:look:prompt": {"type": "prompt", "version": 1, "params": {"text": "a ball"}},
    "layout:look:prompt": {"x": 1, "y": 2},
}


def test_a_group_that_is_kept_is_a_workflow_of_one_node_and_comes_back_whole(tmp_path: Path) -> None:
    (found,) = KeptGroups(tmp_path).keep(KeptGroup(name="My look", type="group:look", records=RECORDS))
    assert found == {"name": "My look", "type": "group:look", "records": RECORDS}
    assert load(tmp_path / "groups" / "My look.loom.json").nodes["group"]["type"] == "group:look"
    assert KeptGroups(tmp_path).drop(KeptName(name="My look")) == []


def test_what_is_no_group_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    groups = KeptGroups(tmp_path)
    with pytest.raises(DocumentError, match="no group that came with it"):
        groups.keep(KeptGroup(name="a", type="group:other", records=RECORDS))
    with pytest.raises(DocumentError, match="node:look:prompt"):
        groups.keep(KeptGroup(name="a", type="group:look", records={**RECORDS, "node:look:prompt": {"type": 3}}))
    itself = {**RECORDS, "node:look:again": {"type": "group:look", "version": 1}}
    with pytest.raises(DocumentError, match="hold itself"):
        groups.keep(KeptGroup(name="a", type="group:look", records=itself))
    assert not (tmp_path / "groups").exists()


@pytest.mark.parametrize("name", ["../out", "a/b", ".hidden", "a\\b"])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileRefused, match="no name for a group"):
        KeptGroups(tmp_path).keep(KeptGroup(name=name, type="group:look", records=RECORDS))


def test_a_file_that_is_no_group_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "groups").mkdir()
    (tmp_path / "groups" / "a.loom.json").write_text("{")
    (tmp_path / "groups" / "b.loom.json").write_text('{"format": "patchloom/1", "nodes": {}}')
    assert KeptGroups(tmp_path).all() == []
