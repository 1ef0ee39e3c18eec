"""What is broken off goes on, and what branches goes its old way, bit for bit: for the models of any folder."""

from pathlib import Path

import pytest
import torch
from bench import Bench
from parity import PROMPT

from assets.codec import encode
from assets.values import Patches, Text
from nodes.context import Cancelled
from nodes.dit.nodes import Sampled, branch, sample
from nodes.families.registry import components
from nodes.text_encoder.nodes import encode_text

STEPS, DONE = 4, 2


def require_exact(folder: Path, canvas: Patches, sampler: str = "euler") -> None:
    """Sample a canvas whole; broken off after two steps and resumed; and as a branch after two steps."""
    models = components(folder)
    text = encode_text(models.text_encoder, Text(PROMPT), ctx=Bench())

    def run(bench: Bench) -> Sampled:
        asked = {"steps": STEPS, "guidance": 3.0, "sampler": sampler, "shift": 0}
        return sample(models.dit, canvas, text, None, ctx=bench, **asked)

    whole = run(Bench())
    broken_off = Bench(stop_at=DONE)
    with pytest.raises(Cancelled):
        run(broken_off)
    assert len(broken_off.steps_kept) == DONE
    again = Bench(kept_before=broken_off.steps_kept)
    assert encode(run(again).trajectory) == encode(whole.trajectory)
    assert len(again.steps_kept) == STEPS - DONE

    branched = branch(models.dit, whole.trajectory, text, ctx=Bench(), step=DONE, guidance=3.0)
    assert encode(branched.patches) == encode(whole.patches)
    other = branch(models.dit, whole.trajectory, text, ctx=Bench(), step=DONE, guidance=9.0)
    assert torch.equal(other.trajectory.states[: DONE + 1], whole.trajectory.states[: DONE + 1])
    assert encode(other.patches) != encode(whole.patches)
