"""Edits as data: the laws that undo, tabs and history stand on."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.diff import RecordsDiff, apply, between, reverse, squash
from pipelines.document import Document, DocumentError
from pipelines.strict_json import canonical

RECORDS = st.dictionaries(
    st.sampled_from([f"meta:{name}" for name in "abcdef"]),
    st.sampled_from([None, 0, 0.0, False, 1, 1.0, True, "1", {"x": 1}, {"x": 1.0}]),
)
DOCUMENTS = RECORDS.map(Document)


def text(document: Document) -> str:
    return canonical(dict(document.records))


@given(DOCUMENTS, DOCUMENTS)
def test_the_diff_between_two_documents_leads_from_one_to_the_other(a: Document, b: Document) -> None:
    assert text(apply(a, between(a, b))) == text(b)


@given(DOCUMENTS, DOCUMENTS)
def test_a_reversed_diff_leads_back(a: Document, b: Document) -> None:
    diff = between(a, b)
    assert text(apply(apply(a, diff), reverse(diff))) == text(a)


@given(st.lists(DOCUMENTS, min_size=1, max_size=6))
def test_squashed_diffs_do_what_they_did_one_by_one(states: list[Document]) -> None:
    diffs = [between(a, b) for a, b in pairwise(states)]
    squashed = squash(diffs)
    assert text(apply(states[0], squashed)) == text(states[-1])
    assert squashed.to_json() == between(states[0], states[-1]).to_json()


@given(DOCUMENTS)
def test_there_and_back_again_is_no_edit(document: Document) -> None:
    diff = between(Document(), document)
    assert not squash([diff, reverse(diff)])


@given(DOCUMENTS, DOCUMENTS)
def test_a_diff_survives_the_way_to_the_browser(a: Document, b: Document) -> None:
    diff = between(a, b)
    assert RecordsDiff.from_json(diff.to_json()) == diff


def test_applying_a_diff_leaves_the_document_as_it_was() -> None:
    before = Document({"meta:a": 1, "meta:b": 2})
    apply(before, RecordsDiff({"meta:c": 3}, {"meta:a": (1, 5)}, {"meta:b": 2}))
    assert before == Document({"meta:a": 1, "meta:b": 2})


NODE = {"type": "t", "version": 1, "params": {}}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (7, "an edit needs the objects"),
        ({"added": []}, "an edit needs the objects"),
        ({"updated": {"meta:a": 1}}, r"'meta:a' holds no pair"),
        ({"added": {"nodes": {}}}, "'nodes' is no record"),
        ({"added": {"other:nodes": {}}}, "'other:nodes' is no record"),
        ({"added": {"node:a": {"type": "t"}}}, "node:a: version: Field required"),
        ({"added": {"node:a.b": NODE}}, "node:a.b: .*pattern"),
        ({"added": {"wire:a.b": {"from": ["x", "y"], "to": ["a", "c"]}}}, "it leads to a.c"),
        ({"added": {"wire:a.b": {"from": ["x"], "to": ["a", "b"]}}}, "wire:a.b: from"),
        ({"added": {"layout:a": {"x": "left", "y": 0}}}, "layout:a: x"),
        ({"added": {"meta:a": float("nan")}}, "nan is no JSON number"),
        ({"added": {"meta:a": "\ud800"}}, "half a character"),
    ],
)
def test_an_edit_that_would_break_the_document_is_refused(edit: object, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        RecordsDiff.from_json(edit)
