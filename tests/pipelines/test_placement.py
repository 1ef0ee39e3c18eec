"""What is too large for a device is streamed to it block by block, and makes the same numbers."""

import pytest

from pipelines.executors.placement import SETTING, memory_plan

GB = 10**9


@pytest.mark.parametrize(
    ("weights", "capacity", "expected"),
    [
        (3 * GB, 24 * GB, "resident"),  # Wan 1.3B in bfloat16
        (16 * GB, 24 * GB, "resident"),  # Wan 14B as float8
        (29 * GB, 24 * GB, "streamed"),  # Wan 14B in bfloat16
        (11 * GB, 12 * GB, "streamed"),  # UMT5 in bfloat16 leaves nothing for the work
        (29 * GB, 80 * GB, "resident"),
    ],
)
def test_weights_stay_with_the_host_where_they_and_the_work_do_not_fit(
    weights: int, capacity: int, expected: str
) -> None:
    assert memory_plan(weights, capacity, "cuda:0").way == expected


def test_the_work_counts_as_what_it_is_known_to_take() -> None:
    assert memory_plan(20 * GB, 24 * GB, "cuda:0", work=3 * GB).way == "resident"
    assert memory_plan(20 * GB, 24 * GB, "cuda:0", work=5 * GB).way == "streamed"


def test_nothing_is_streamed_from_a_memory_to_itself_unless_asked_for() -> None:
    assert memory_plan(30 * GB, 24 * GB, "cpu").way == "resident"
    assert memory_plan(1, 24 * GB, "cpu", "streamed").way == "streamed"
    assert memory_plan(30 * GB, 24 * GB, "cuda:0", "resident").way == "resident"


def test_the_environment_speaks_where_the_node_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "streamed")
    assert memory_plan(1, 24 * GB, "cpu").way == "streamed"
    assert memory_plan(1, 24 * GB, "cpu", "resident").way == "resident"


def test_another_word_is_refused_with_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "offload")
    with pytest.raises(ValueError, match="'offload'; it needs automatic, resident or streamed"):
        memory_plan(1, 2, "cpu")


def test_a_plan_says_what_was_chosen_and_why() -> None:
    said = str(memory_plan(29 * GB, 24 * GB, "cuda:0", work=6 * GB))
    assert said == (
        "weights streamed block by block, which is slower and makes the same: 29.0 GB and about 6.0 GB of work do not "
        "fit 24.0 GB"
    )
    assert str(memory_plan(3 * GB, 24 * GB, "cuda:0", work=GB)) == (
        "weights on the device: 3.0 GB and about 1.0 GB of work, of 24.0 GB"
    )
    assert str(memory_plan(GB // 200, 24 * GB, "cpu", "streamed")) == (
        "weights streamed block by block, as asked: 5.0 MB, of 24.0 GB"
    )
