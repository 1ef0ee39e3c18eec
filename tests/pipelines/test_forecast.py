"""What a run will take, before it runs."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import small_nodes
from engine_bench import Bench, changed, workflow
from hypothesis import given
from hypothesis import strategies as st

from assets.files import Files
from assets.store import Store
from pipelines.check import check
from pipelines.document import Document
from pipelines.executors.memory import PeakMemory, give_back
from pipelines.forecast import Forecast, Forecaster, expected, expected_peak, load_of
from pipelines.measurements import Load, Measurement, Measurements

LIBRARY = small_nodes.library()


def load(size: float, kind: str = "") -> Load:
    return Load("n", 1, kind, size, size, size)


def clip(frame: float, frames: int) -> Load:
    return Load("n", 1, "", frame * frames, frame * frames, frame)


def took(seconds: float, peak_bytes: int) -> dict[str, float]:
    return {"seconds": seconds, "peak_bytes": peak_bytes}


def painted(side: int = 8, seed: int = 0, **paint: str) -> Document:
    nodes = {"n": ("noise", {"side": side, "seed": seed}), "r": ("refine", {"steps": 4}), "p": ("paint", paint)}
    return workflow(nodes, "n.latent -> r.latent", "r.latent -> p.latent")


@pytest.fixture(scope="module")
def forecaster(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forecaster]:
    path = tmp_path_factory.mktemp("forecast") / "measurements.db"
    forecaster = Forecaster(path, LIBRARY, bench.store, bench.files, "cpu")
    yield forecaster
    forecaster.close()


def test_a_measured_size_is_foreseen_as_it_was_measured_and_one_wild_time_does_not_count() -> None:
    measured = [(load(100), 2.0), (load(100), 2.1), (load(100), 9.0), (load(50), 1.0)]
    assert expected(load(100), measured) == 2.1


def test_a_first_slow_time_is_not_taken_for_how_long_it_takes() -> None:
    assert expected(load(10), [(load(10), 1.0), (load(10), 6.0)]) == 1.0


@given(
    power=st.floats(0.1, 1.9),
    factor=st.floats(0.001, 100),
    size=st.floats(1, 1e9),
    sizes=st.sets(st.integers(1, 10**8)),
)
def test_a_quantity_that_grows_as_a_power_is_foreseen_at_any_size(
    power: float, factor: float, size: float, sizes: set[int]
) -> None:
    measured = [(load(each), factor * each**power) for each in sizes | {10, 1000}]
    assert expected(load(size), measured) == pytest.approx(factor * size**power, rel=0.05)


def test_where_one_size_was_measured_another_is_scaled_in_proportion() -> None:
    assert expected(load(30), [(load(10), 1.0)]) == pytest.approx(3)
    assert expected_peak(load(30), [(load(10), 1.0)]) == pytest.approx(1)


CLIPS = st.tuples(st.floats(10, 1e6), st.integers(1, 1025))


@given(
    weights=st.floats(0, 1e11),
    work=st.floats(0, 1e5),
    held=st.floats(0, 1e3),
    wanted=CLIPS,
    sizes=st.sets(CLIPS),
)
def test_memory_of_weights_of_work_on_a_frame_and_of_all_frames_is_foreseen_at_any_size(
    weights: float, work: float, held: float, wanted: tuple[float, int], sizes: set[tuple[float, int]]
) -> None:
    def peak(frame: float, frames: int) -> float:
        return weights + work * frame + held * frame * frames

    measured = [(clip(*size), peak(*size)) for size in sizes | {(10, 1), (10, 1000), (10**5, 1), (10**5, 1000)}]
    assert expected_peak(clip(*wanted), measured) == pytest.approx(peak(*wanted), rel=1e-3)


def test_memory_grows_with_a_clips_sides_or_its_length_where_only_these_were_seen_to_differ() -> None:
    longer = [(clip(100, frames), 500.0 + frames) for frames in (1, 9, 17)]
    assert expected_peak(clip(100, 129), longer) == pytest.approx(629)
    larger = [(clip(frame, 17), 500.0 + frame) for frame in (64, 256)]
    assert expected_peak(clip(128, 17), larger) == pytest.approx(628)
    assert expected_peak(clip(128, 1), [(clip(64, 17), 500.0)]) == 500


def test_a_measured_size_is_foreseen_to_take_the_memory_that_it_took() -> None:
    measured = [(clip(64, 17), 700.0), (clip(64, 33), 500.0), (clip(128, 17), 600.0), (clip(128, 33), 900.0)]
    assert [expected_peak(one, measured) for one, _ in measured] == [peak for _, peak in measured]


def test_memory_that_was_freed_and_given_back_does_not_count() -> None:
    pieces = [np.ones(8000) for _ in range(3000)]
    with PeakMemory("cpu") as held:
        pass
    del pieces[:-1]  # the last one holds up the heap, which would shrink by itself else
    give_back()
    with PeakMemory("cpu") as freed:
        pass
    assert freed.peak < held.peak - 100e6


def test_measurements_of_a_version_before_are_kept(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "m.db")) as before:
        before.execute(
            "CREATE TABLE measurements (node_type TEXT, version INTEGER, device TEXT, kind TEXT, size REAL, "
            "seconds REAL, peak_bytes INTEGER, created REAL)"
        )
        before.execute("INSERT INTO measurements VALUES ('n', 1, 'cpu', 'euler', 10, 2.5, 300, 0)")
        before.commit()
    for _ in range(2):
        measurements = Measurements(tmp_path / "m.db", "cpu")
        old = Measurement(Load("n", 1, "euler", 10), 2.5, 300)
        assert measurements.of("n", 1)[-1] == old
        measurements.add([Measurement(clip(4, 2), 1.0, 100)])
        assert measurements.of("n", 1)[0] == Measurement(clip(4, 2), 1.0, 100)
        measurements.close()
    known = [(clip(4, 2), 100.0), (old.load, 300.0)]
    assert expected_peak(clip(8, 2), known) == 100


def test_measurements_of_the_same_kind_count_before_others() -> None:
    measured = [(load(10, "heun"), 2.0), (load(10, "euler"), 1.0)]
    assert expected(load(10, "euler"), measured) == 1.0
    assert expected(load(10, "ddim"), measured[:1]) == 2.0


def test_the_load_of_a_node_grows_with_its_specs_and_steps_and_its_choices_make_other_kinds(bench: Bench) -> None:
    def of(document: Document, node: str) -> Load:
        specs = check(document, LIBRARY, bench.files).specs
        return load_of(document, node, LIBRARY[document.nodes[node]["type"]], specs)

    small, large = painted(8), painted(16)
    assert of(large, "r").size == 4 * of(small, "r").size == 16 * 16 * 4
    assert of(changed(small, "r", steps=8), "r").size == 2 * of(small, "r").size
    assert of(painted(seed=5), "n") == of(painted(seed=6), "n")
    assert of(small, "p").kind != of(painted(colour="blue"), "p").kind


def test_a_forecast_learns_from_runs_and_leaves_out_what_is_stored(bench: Bench, forecaster: Forecaster) -> None:
    before = forecaster.forecast(painted(seed=900))
    assert before.unknown == ("n", "r", "p")
    assert (before.seconds, before.cached) == (0, 0)
    forecaster.learn(before, {"n": took(0.5, 1000), "r": took(3.0, 5000), "p": took(0.25, 2000)})
    after = forecaster.forecast(painted(seed=901))
    assert after.nodes == {"n": (0.5, 1000), "r": (3.0, 5000), "p": (0.25, 2000)}
    assert (after.seconds, after.peak_bytes, after.unknown) == (3.75, 5000, ())
    assert forecaster.forecast(painted(seed=901), ["n"]).seconds == 0.5

    bench.run(painted(seed=901))
    stored = forecaster.forecast(painted(seed=901))
    assert (stored.seconds, stored.nodes, stored.cached) == (0, {}, 3)
    assert forecaster.forecast(changed(painted(seed=901), "p", colour="blue")).nodes.keys() == {"p"}


def test_what_is_wrong_is_no_part_of_a_forecast(forecaster: Forecaster) -> None:
    assert forecaster.forecast(painted(side=99)).loads == {}


def test_only_the_last_measurements_are_kept(tmp_path: Path) -> None:
    forecaster = Forecaster(tmp_path / "m.db", LIBRARY, store := Store(tmp_path), Files((), tmp_path), "cpu")
    for second in range(230):
        forecaster.learn(Forecast(0, 0, {}, (), 0, {"n": load(1)}, {}), {"n": took(float(second), 0)})
    kept = Measurements(tmp_path / "m.db", "cpu")
    assert [one.seconds for one in kept.of("n", 1)] == [float(second) for second in range(229, 29, -1)]
    kept.close()
    forecaster.close()
    store.close()
