"""Versions: when one is kept, which are let go, what changed in words."""

import time
from pathlib import Path
from typing import Any

import pytest

from app.editor.change_words import in_words
from app.editor.past import Past
from app.editor.versions import DAY, HOUR, MOST_EDITS, PAUSE, Pauses, Version, VersionUnknown, thinned
from nodes.registry import library
from pipelines.document import Document


def document(**records: Any) -> Document:
    base = {
        "node:prompt": {"type": "prompt", "version": 1, "params": {"text": "a ball"}},
        "layout:prompt": {"x": 0, "y": 0},
    }
    return Document({**base, **{key.replace("__", ":"): record for key, record in records.items()}})


def says(text: str) -> dict[str, Any]:
    return {"type": "prompt", "version": 1, "params": {"text": text}}


def test_a_content_that_comes_again_makes_no_version_and_takes_no_room(tmp_path: Path) -> None:
    past = Past(tmp_path)
    first = past.versions.keep("w", document(), "ran")
    assert past.versions.keep("w", document(), "ran") == first
    other = past.versions.keep("w", document(node__prompt=says("a star")), "ran")
    back = past.versions.keep("w", document(), "ran")
    assert [version.id for version in past.versions.all("w")] == [back.id, other.id, first.id]
    assert back.digest == first.digest
    assert past.versions.document(back.digest) == document()
    past.close()


def test_a_version_that_was_kept_long_ago_has_its_nodes_as_they_are_written_now(tmp_path: Path) -> None:
    past = Past(tmp_path)
    old = {"type": "flatten", "version": 1, "params": {"gray": 255}}
    kept = past.versions.keep("w", document(node__flat=old), "ran")
    assert past.versions.document(kept.digest).params("flat") == {"colour": "#ffffff"}
    past.close()


def test_a_name_goes_to_the_version_that_is_there_unless_it_has_one(tmp_path: Path) -> None:
    past = Past(tmp_path)
    ran = past.versions.keep("w", document(), "ran")
    assert past.versions.keep("w", document(), "saved", "first light").id == ran.id
    assert past.versions.keep("w", document(), "saved", "for the client").id != ran.id
    assert [version.name for version in past.versions.all("w")] == ["for the client", "first light"]
    past.close()


def test_versions_are_of_their_workflow_alone(tmp_path: Path) -> None:
    past = Past(tmp_path)
    kept = past.versions.keep("w", document(), "ran")
    assert past.versions.all("other") == []
    with pytest.raises(VersionUnknown, match="other has no version"):
        past.versions.get("other", kept.id)
    past.close()


def aged(*ages: float, now: float = 1e9, **more: Any) -> list[Version]:
    return [Version(number, "w", f"{number}", now - age, "paused", **more) for number, age in enumerate(ages)]


def test_all_versions_of_the_last_hour_stay_and_older_ones_thin_out() -> None:
    minutes = [60.0 * minute for minute in range(5 * 60)]
    versions = aged(*minutes)
    left = {version.id for version in versions} - {version.id for version in thinned(versions, 1e9)}
    assert {number for number in left if number < 60} == set(range(60))
    assert 20 <= len([number for number in left if number >= 60]) <= 26


def test_years_of_work_leave_a_bounded_number_of_versions() -> None:
    versions = aged(*[HOUR * hour for hour in range(2 * 365 * 24)])
    assert len(versions) - len(thinned(versions, 1e9)) < 24 + 7 * 24 + 100 + 2 * 53 + 10


def test_a_name_keeps_a_version_for_good() -> None:
    versions = aged(*[400 * DAY + second for second in range(10)], name="kept")
    assert thinned(versions, 1e9) == []


def test_of_two_close_ones_that_which_ran_stays() -> None:
    now, ran = 1e9 + 5 * HOUR, 1e9 + 100.0
    last = Version(9, "w", "9", now, "paused")
    later, made = Version(2, "w", "2", ran + 60, "paused"), Version(1, "w", "1", ran, "ran")
    assert thinned([last, later, made], now) == [later]


def test_what_is_let_go_leaves_the_disk_and_what_is_shared_stays(tmp_path: Path) -> None:
    past, now = Past(tmp_path), time.time()
    old = past.versions.keep("w", document(node__prompt=says("old")), "paused", at=now - 50 * DAY)
    shared = past.versions.keep("w", document(), "paused", at=now - 50 * DAY + 1)
    past.versions.keep("w", document(node__prompt=says("new")), "ran", at=now - 1)
    past.versions.keep("w", document(), "ran", at=now)
    assert old.id not in {version.id for version in past.versions.all("w")}
    with pytest.raises(VersionUnknown, match="thinned out"):
        past.versions.document(old.digest)
    assert past.versions.document(shared.digest) == document()
    past.close()


def test_a_version_is_due_before_the_first_edit_after_a_pause_and_after_many_edits() -> None:
    pauses = Pauses(at=100.0)
    assert pauses.edited(1000.0) == 100.0
    assert pauses.edited(1001.0) is None
    assert pauses.edited(1001.0 + PAUSE) == 1001.0
    steady = [pauses.edited(2000.0 + number) for number in range(1, 2 * MOST_EDITS)]
    assert len([at for at in steady if at is not None]) in (2, 3)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (document(), document(node__prompt=says("a star")), "Text of Prompt changed"),
        (Document(), document(), "Prompt added"),
        (document(), document(node__b=says("b"), node__c=says("c")), "2 nodes added"),
        (document(node__b=says("b")), document(), "Prompt removed"),
        (document(layout__prompt={"x": 0, "y": 0, "title": "Hero"}), document(), "Nodes arranged"),
        (document(), document(layout__n={"x": 0, "y": 0, "kind": "note", "text": "!"}), "A note or frame changed"),
        (document(), document(layout__prompt={"x": 9, "y": 0}), "Nodes arranged"),
        (document(), document(node__prompt={**says("a ball"), "mode": "mute"}), "Prompt changed"),
        (document(), document(meta__title="x"), "Description changed"),
        (document(), document(), ""),
    ],
)
def test_changes_are_told_in_words(before: Document, after: Document, said: str) -> None:
    assert in_words(before, after, library()) == said
