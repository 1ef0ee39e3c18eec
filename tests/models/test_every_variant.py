"""Every variant of every family: each task is made or refused while wiring, and runs go on and branch bit for bit."""

import pytest
import table
import torch
from bench import Bench, loaded
from variants import TASKS, VARIANTS, asked, folder

from assets.codec import encode
from assets.values import Patches
from nodes.api import SpecError
from nodes.context import Cancelled
from nodes.dit.nodes import Sampled, branch, sample
from nodes.families.framepack.nodes import sample_sections
from nodes.families.registry import components

pytestmark = [
    pytest.mark.filterwarnings("ignore:In CPU autocast"),
    pytest.mark.filterwarnings("ignore:__array__ implementation"),
]
STEPS, DONE = 4, 2


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", VARIANTS)
def test_a_task_is_made_or_refused_while_wiring(name: str, task: str) -> None:
    if task not in VARIANTS[name].does:
        with pytest.raises(SpecError, match=r"^Got .*(Use|Place|Make) "):
            asked(name, task)
        table.note(name, task, "no")
        return
    dit, canvas, text = asked(name, task)
    if dit.section:
        made = torch.as_tensor(sample_sections(dit, canvas, text, ctx=Bench(), steps=1).tokens)
    else:
        told = {"steps": 2, "guidance": 3.0, "sampler": VARIANTS[name].sampler, "shift": 0}
        made = torch.as_tensor(sample(dit, canvas, text, ctx=Bench(), **told).patches.tokens)
    assert bool(made.isfinite().all())
    assert float(made.std()) > 0.01
    kept = keeps(name, canvas)
    assert torch.equal(made[kept], torch.as_tensor(canvas.tokens)[kept])
    table.note(name, task, "runs")


def keeps(name: str, canvas: Patches) -> torch.Tensor:
    """Which tokens are given and stay as they are; none where a DiT is told of them and makes them anew."""
    dit = components(folder(name)).dit
    if dit.section:
        return torch.arange(len(canvas.tokens)) < len(canvas.tokens) // canvas.grids[0][0]
    return loaded(dit).starts(canvas) == 0


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "FramePack"])
def test_a_run_is_resumed_and_branched_from_exactly(name: str) -> None:
    dit, canvas, text = asked(name, VARIANTS[name].does[0])

    def run(bench: Bench) -> Sampled:
        told = {"steps": STEPS, "guidance": 3.0, "sampler": VARIANTS[name].sampler, "shift": 0}
        return sample(dit, canvas, text, None, ctx=bench, **told)  # type: ignore[no-any-return]

    whole, broken_off = run(Bench()), Bench(stop_at=DONE)
    with pytest.raises(Cancelled):
        run(broken_off)
    assert len(broken_off.steps_kept) == DONE
    rest = Bench(kept_before=broken_off.steps_kept)
    assert encode(run(rest).trajectory) == encode(whole.trajectory)
    assert len(rest.steps_kept) == STEPS - DONE
    table.note(name, "resumed", 0.0)

    again = branch(dit, whole.trajectory, text, ctx=Bench(), step=DONE, guidance=3.0)
    assert encode(again.patches) == encode(whole.patches)
    other = branch(dit, whole.trajectory, text, ctx=Bench(), step=DONE, guidance=9.0)
    assert torch.equal(other.trajectory.states[: DONE + 1], whole.trajectory.states[: DONE + 1])
    assert encode(other.patches) != encode(whole.patches)
    table.note(name, "branched", 0.0)
