"""LoRAs that sample in few steps are known by their names, and what they are sampled by is offered."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from assets.codec import result_digest
from assets.values import ConditioningSpec, DiT, PatchesSpec
from nodes.api import collected_warnings
from nodes.dit.few_steps import few_steps, steps_for
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


@pytest.mark.parametrize(
    ("said", "steps"),
    [
        ({"ss_output_name": "wan_lightning_4steps_v2"}, 4),
        ({"modelspec.title": "mine", "modelspec.description": "Distilled for 6 steps, no guidance"}, 6),
        ({"modelspec.title": "watercolour", "ss_steps": "8", "ss_training_comment": "trained for 2000 steps"}, None),
        ({}, None),
    ],
)
def test_a_lora_of_few_steps_is_known_by_what_its_file_says(
    said: dict[str, str], steps: int | None, tmp_path: Path
) -> None:
    path = tmp_path / "lora.safetensors"
    save_file({"a": np.zeros(1, np.float32)}, path, said)
    assert steps_for(str(path)) == steps


def test_what_a_person_says_of_a_lora_counts_first_and_is_no_part_of_the_result() -> None:
    plain = replace(builtin(DiT), family="wan", loras=(("/loras/wan_4steps.safetensors", "digest", 1.0, ""),))
    canvas = PatchesSpec(((1, 4, 4),), 8, plain.patch, plain.space, 8.0)

    def said(made_for: int) -> list[str]:
        dit = replace(plain, few_steps=(("digest", made_for),))
        assert result_digest(dit) == result_digest(plain)
        with collected_warnings() as said:
            sample_spec(dit, canvas, ConditioningSpec(8, dit.encoder, 4), 30, guidance=5.0)
        return said

    assert said(50) == []
    (sentence,) = said(6)
    assert "as is said of it where it is loaded, for about 6 steps" in sentence


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
