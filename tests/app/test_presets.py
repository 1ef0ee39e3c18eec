"""Presets: settings under a name, kept in the workspace."""

from pathlib import Path

import pytest

from app import presets
from app.presets import FILE, Named, Preset, PresetRefused, Presets


def test_a_preset_outlives_the_server_and_one_of_the_same_name_takes_its_place(tmp_path: Path) -> None:
    kept = Presets(tmp_path)
    kept.keep(Preset(type="sample", name="Fine", params={"steps": 48}))
    kept.keep(Preset(type="sample", name="Quick", params={"steps": 8}))
    kept.keep(Preset(type="sample", name="Fine", params={"steps": 60}))
    assert Presets(tmp_path).all() == {"sample": {"Fine": {"steps": 60}, "Quick": {"steps": 8}}}


def test_a_preset_that_is_dropped_is_gone_and_one_that_is_not_there_is_no_matter(tmp_path: Path) -> None:
    kept = Presets(tmp_path)
    kept.keep(Preset(type="sample", name="Fine", params={}))
    assert kept.drop(Named(type="resize", name="Fine")) == {"sample": {"Fine": {}}}
    assert kept.drop(Named(type="sample", name="Fine")) == {}
    assert Presets(tmp_path).all() == {}


def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"sample": 3}')
    with pytest.raises(PresetRefused, match=FILE):
        Presets(tmp_path).keep(Preset(type="sample", name="Fine", params={}))
    assert (tmp_path / FILE).read_text() == '{"sample": 3}'


def test_there_are_not_more_than_a_menu_can_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "AT_MOST", 1)
    kept = Presets(tmp_path)
    kept.keep(Preset(type="sample", name="Fine", params={"steps": 1}))
    kept.keep(Preset(type="sample", name="Fine", params={"steps": 2}))
    with pytest.raises(PresetRefused, match="delete one"):
        kept.keep(Preset(type="sample", name="Quick", params={}))
