"""Curves as text: read, written, and their values on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes import curve

PLACES = st.lists(st.integers(0, 100), min_size=1, max_size=8, unique=True)


@st.composite
def curves(draw: st.DrawFn) -> curve.Points:
    xs = tuple(x / 100 for x in sorted(draw(PLACES)))
    ys = draw(st.lists(st.integers(0, 100), min_size=len(xs), max_size=len(xs)))
    return curve.Points(xs, tuple(y / 100 for y in ys), draw(st.booleans()))


def test_a_straight_curve_goes_from_point_to_point_and_stays_beyond_the_last() -> None:
    points = curve.read("0.2:0 0.6:1 0.8:0.5", 0, 1)
    assert [points.at(x) for x in (0, 0.2, 0.4, 0.7, 0.8, 1)] == pytest.approx([0, 0, 0.5, 0.75, 0.5, 0.5])


def test_a_smooth_curve_is_level_at_a_summit() -> None:
    points = curve.read("smooth 0:0 0.5:1 1:0", 0, 1)
    assert points.at(0.5) == 1
    assert points.at(0.49) > curve.read("0:0 0.5:1 1:0", 0, 1).at(0.49)
    assert (points.at(0.5) - points.at(0.49)) / 0.01 < 0.1


@given(curves())
def test_what_is_written_is_read_again(points: curve.Points) -> None:
    assert curve.read(curve.written(points), 0, 1) == points


@given(curves(), st.floats(0, 1))
def test_a_curve_passes_its_points_and_never_beyond_its_neighbours(points: curve.Points, x: float) -> None:
    for at, value in zip(points.xs, points.ys, strict=True):
        assert points.at(at) == pytest.approx(value)
    before = [y for place, y in zip(points.xs, points.ys, strict=True) if place <= x][-1:]
    after = [y for place, y in zip(points.xs, points.ys, strict=True) if place >= x][:1]
    assert min(before + after) - 1e-9 <= points.at(x) <= max(before + after) + 1e-9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "0 points"),
        ("smooth", "0 points"),
        ("0.5", "a place and a value"),
        ("0:nan", "a place and a value"),
        ("0:1 0:1", "rise"),
        ("0:1 1.5:1", "rise"),
        ("0:2", "from 0 to 1"),
        (" ".join(f"{x / 100}:0" for x in range(33)), "33 points"),
    ],
)
def test_what_is_no_curve_says_why(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        curve.read(text, 0, 1)
