"""Presets: settings under a name, kept in the workspace."""

import json
from pathlib import Path

import pytest

from app import presets
from app.presets import FILE, Named, Preset, PresetRefused, Presets


def test_a_preset_outlives_the_server_and_one_of_the_same_name_takes_its_place(tmp_path: Path) -> None:
    kept = Presets(tmp_path)
    kept.keep(Preset(type="sample", version=4, name="Fine", params={"steps": 48}))
    kept.keep(Preset(type="sample", version=4, name="Quick", params={"steps": 8}))
    kept.keep(Preset(type="sample", version=4, name="Fine", params={"steps": 60}))
    assert Presets(tmp_path).all() == {"sample": {"Fine": {"steps": 60}, "Quick": {"steps": 8}}}


def test_a_preset_that_is_dropped_is_gone_and_one_that_is_not_there_is_no_matter(tmp_path: Path) -> None:
    kept = Presets(tmp_path)
    kept.keep(Preset(type="sample", version=4, name="Fine", params={}))
    assert kept.drop(Named(type="resize", name="Fine")) == {"sample": {"Fine": {}}}
    assert kept.drop(Named(type="sample", name="Fine")) == {}
    assert Presets(tmp_path).all() == {}


def test_settings_of_an_older_version_of_the_node_are_as_it_takes_them_now(tmp_path: Path) -> None:
    """Also those of a file that does not say of which version they are: at first, none did."""
    old = {"Grey": {"gray": 128}, "New": {"colour": "#102030"}}
    (tmp_path / FILE).write_text(json.dumps({"flatten": old}))
    now = {"Grey": {"colour": "#808080"}, "New": {"colour": "#102030"}}
    kept = Presets(tmp_path)
    assert kept.all() == {"flatten": now}
    now["Black"] = {"colour": "#000000"}
    assert kept.keep(Preset(type="flatten", version=1, name="Black", params={"gray": 0})) == {"flatten": now}
    now["Tomorrow"] = {"gray": 0}
    assert kept.keep(Preset(type="flatten", version=99, name="Tomorrow", params={"gray": 0})) == {"flatten": now}
    assert Presets(tmp_path).all() == {"flatten": now}


def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"sample": 3}')
    with pytest.raises(PresetRefused, match=FILE):
        Presets(tmp_path).keep(Preset(type="sample", version=4, name="Fine", params={}))
    assert (tmp_path / FILE).read_text() == '{"sample": 3}'


def test_there_are_not_more_than_a_menu_can_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "AT_MOST", 1)
    kept = Presets(tmp_path)
    kept.keep(Preset(type="sample", version=4, name="Fine", params={"steps": 1}))
    kept.keep(Preset(type="sample", version=4, name="Fine", params={"steps": 2}))
    with pytest.raises(PresetRefused, match="delete one"):
        kept.keep(Preset(type="sample", version=4, name="Quick", params={}))
