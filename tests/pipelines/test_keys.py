"""Keys: what a result depends on makes another key, and nothing else does."""

from dataclasses import replace
from typing import Any

import pytest
import small_nodes
from hypothesis import given
from hypothesis import strategies as st

from nodes.api import Colour, Curve, Node, Range, Widget
from pipelines.arguments import WidgetError, coerce, widget_values
from pipelines.keys import node_key, numerics_class

DIGESTS = st.dictionaries(st.sampled_from("abc"), st.text("0123456789abcdef", min_size=4, max_size=4))
ONES = [1, 1.0, "1", True]


def widget(kind: str, **more: Any) -> Widget:
    given = {"default": {"int": 0, "float": 0.0, "bool": False, "str": ""}[kind], "choices": (), "meta": None}
    return Widget(name="w", type=kind, help="", **{**given, **more})


def key_of(library: dict[str, Node], **changes: Any) -> str:
    parts: dict[str, Any] = {"node": library["noise"], "widgets": {"seed": 1}, "inputs": {"a": "0" * 64}}
    return node_key(**{**parts, "numerics": "float32/x86_64/torch-2.13", **changes})


def test_everything_that_a_result_depends_on_makes_another_key(library: dict[str, Node]) -> None:
    keys = [
        key_of(library),
        key_of(library, node=library["refine"]),
        key_of(library, widgets={"seed": 2}),
        key_of(library, widgets={"side": 1}),
        key_of(library, inputs={"a": "1" * 64}),
        key_of(library, inputs={"b": "0" * 64}),
        key_of(library, numerics="float32/sm_90/torch-2.13"),
        key_of(library, content="0"),
    ]
    assert len(set(keys)) == len(keys)


def test_another_version_of_a_node_makes_another_key(library: dict[str, Node]) -> None:
    node = library["noise"]
    assert key_of(library, node=replace(node, version=node.version + 1)) != key_of(library)


@pytest.mark.parametrize("kind", ["int", "float", "bool", "str"])
def test_values_that_a_declared_type_makes_equal_share_one_key(kind: str, library: dict[str, Node]) -> None:
    made = {key_of(library, widgets={"w": coerce(widget(kind), value)}) for value in ONES if accepts(kind, value)}
    assert len(made) == 1


def accepts(kind: str, value: Any) -> bool:
    try:
        coerce(widget(kind), value)
    except WidgetError:
        return False
    return True


def test_the_same_number_of_different_declared_types_makes_different_keys(library: dict[str, Node]) -> None:
    values = [
        coerce(widget("int"), 1),
        coerce(widget("float"), 1),
        coerce(widget("str"), "1"),
        coerce(widget("bool"), 1),
    ]
    assert len({key_of(library, widgets={"w": value}) for value in values}) == 4


@given(st.dictionaries(st.sampled_from("abc"), st.integers() | st.text(max_size=3)), DIGESTS)
def test_the_order_of_widgets_and_inputs_makes_no_difference(widgets: dict[str, Any], inputs: dict[str, str]) -> None:
    library = small_nodes.library()
    turned = {"widgets": dict(reversed(widgets.items())), "inputs": dict(reversed(inputs.items()))}
    assert key_of(library, widgets=widgets, inputs=inputs) == key_of(library, **turned)


def test_a_widget_left_out_is_the_default_set(library: dict[str, Node]) -> None:
    node = library["noise"]
    assert widget_values(node, {}) == widget_values(node, {"seed": 0, "side": 4})


def test_the_key_of_a_node_stays_the_same_from_release_to_release(library: dict[str, Node]) -> None:
    assert key_of(library) == "ca91c4bac92b018a69a7aa42cd39bfdf23bda26c100c61028386a13bc8eb037d"


def test_the_numerics_class_names_dtype_device_and_torch() -> None:
    assert numerics_class("sm_90") == "float32/sm_90/torch-2.13"


@pytest.mark.parametrize(
    ("declared", "value", "said"),
    [
        (widget("int"), 1.5, "w holds 1.5; it needs a whole number"),
        (widget("int"), "many", "w holds 'many'; it needs a whole number"),
        (widget("int"), [1], "w holds [1]; it needs a whole number"),
        (widget("float"), "inf", "w holds 'inf'; it needs a number"),
        (widget("float"), None, "w holds None; it needs a number"),
        (widget("bool"), 2, "w holds 2; it needs on or off"),
        (widget("str"), 1, "w holds 1; it needs a text"),
        (widget("str", choices=("a", "b")), "c", "w is 'c'; choose one of: a, b"),
        (widget("int", meta=Range(1, 8)), 9, "w is 9; it needs 1 to 8"),
        (widget("int", meta=Range(1, 33, 4)), 16, "w is 16; it goes from 1 in steps of 4; try 13 or 17"),
    ],
)
def test_a_widget_that_holds_what_it_cannot_is_told_what_it_needs(declared: Widget, value: Any, said: str) -> None:
    with pytest.raises(WidgetError) as refused:
        coerce(declared, value)
    assert str(refused.value) == said


def test_a_number_between_the_steps_is_taken_where_the_node_says_what_fits() -> None:
    assert coerce(widget("int", meta=Range(1, 33, 4, free=True)), 7) == 7


@pytest.mark.parametrize(
    ("meta", "texts", "kept"),
    [
        (Colour(), ["#ff8800", "#FF8800"], "#ff8800"),
        (Curve(0, 1, "time"), ["0:0 1:0.5", " 0.0:-0  1.00:0.50000001 "], "0:0 1:0.5"),
        (Curve(0, 1, "time"), ["", "  "], ""),
    ],
)
def test_colours_and_curves_that_are_equal_share_one_text(meta: Any, texts: list[str], kept: str) -> None:
    assert {coerce(widget("str", meta=meta), text) for text in texts} == {kept}


@pytest.mark.parametrize(("meta", "text"), [(Colour(), "red"), (Colour(), "#ff88"), (Curve(0, 1, "time"), "0:2")])
def test_a_text_that_is_no_colour_or_curve_is_refused_by_the_widgets_name(meta: Any, text: str) -> None:
    with pytest.raises(WidgetError, match=r"^w\b"):
        coerce(widget("str", meta=meta), text)
