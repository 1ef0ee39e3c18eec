"""LoRAs that sample in few steps are known by their names, and what they are sampled by is offered."""

from dataclasses import replace

import pytest

from assets.values import ConditioningSpec, DiT, PatchesSpec
from nodes.api import collected_warnings
from nodes.dit.few_steps import few_steps
from nodes.dit.nodes import sample_spec
from nodes.models.handles import builtin


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("Wan21_T2V_14B_lightx2v_cfg_step_distill_lora_rank32.safetensors", 4),
        ("Wan2.2-Lightning_T2V-A14B-4steps-lora_HIGH_fp16.safetensors", 4),
        ("Wan21_CausVid_14B_T2V_lora_rank32.safetensors", 8),
        ("Hyper-LTX-8steps.safetensors", 8),
        ("self_forcing_dmd.safetensors", 4),
        ("hyperrealism.safetensors", None),
        ("watercolour_2000steps.safetensors", None),
        ("doorsteps.safetensors", None),
    ],
)
def test_a_lora_of_few_steps_is_known_by_its_name(name: str, steps: int | None) -> None:
    assert few_steps(name) == steps


def offered(steps: int, guidance: float, weight: float = 1.0, family: str = "wan") -> list[str]:
    dit = builtin(DiT)
    dit = replace(dit, family=family, loras=(("/loras/wan_4steps.safetensors", "", weight, ""),))
    canvas = PatchesSpec(((1, 4, 4),), 8, dit.patch, dit.space, 8.0)
    with collected_warnings() as said:
        sample_spec(dit, canvas, ConditioningSpec(8, dit.encoder, 4), steps, guidance=guidance)
    return said


def test_what_it_is_sampled_by_is_offered_and_nothing_is_set() -> None:
    (said,) = offered(steps=30, guidance=5.0)
    assert "here are 30 steps at guidance 5. Set steps to 4 and guidance to 1." in said
    (said,) = offered(steps=30, guidance=6.0, family="hunyuan")
    assert said.endswith("here are 30 steps. Set steps to 4.")


def test_where_it_is_sampled_so_or_counts_for_nothing_nothing_is_said() -> None:
    assert offered(steps=6, guidance=1.0) == []
    assert offered(steps=30, guidance=5.0, weight=0.0) == []
