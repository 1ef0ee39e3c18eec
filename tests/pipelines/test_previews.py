"""A node that shows a value while it takes shape: the picture reaches whoever listens, as bytes beside the event."""

from engine_bench import Bench, workflow


def test_a_value_that_takes_shape_is_shown_while_the_node_runs(bench: Bench) -> None:
    nodes = {"n": ("noise", {"seed": 1}), "r": ("refine", {"steps": 3})}
    bench.run(workflow(nodes, "n.latent -> r.latent"))
    first, *_ = (event for event in bench.events if event.kind == "preview")
    assert (first.node, (first.media_type or "").partition("/")[0]) == ("r", "image")
    assert first.data
    assert "data" not in first.to_json()
    kinds = bench.kinds("r")
    assert kinds.index("preview") < kinds.index("done")


def test_many_previews_and_steps_are_thinned_out(bench: Bench) -> None:
    nodes = {"n": ("noise", {"seed": 2}), "r": ("refine", {"steps": 2000})}
    bench.run(workflow(nodes, "n.latent -> r.latent"))
    kinds = bench.kinds("r")
    assert 1 <= kinds.count("preview") < 1000
    steps = [event.step for event in bench.events if event.kind == "step"]
    assert (steps[0], steps[-1]) == (1, 2000)
    assert steps == sorted(set(steps))
    assert len(steps) < 1000
