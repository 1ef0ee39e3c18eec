"""A LoRA in a workflow: the sampler's model is the DiT with the adapter added, beside the DiT as it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from engine_bench import Bench, changed, workflow

from assets.values import DiT
from nodes.dit.lora import Adapters, save
from nodes.dit.lora_file import LoRAConfig
from nodes.models.handles import builtin
from nodes.models.loading import load
from pipelines.executors.part import Summary


def write_lora(path: Path) -> None:
    """One of random adapters that fits the shipped DiT."""
    torch.manual_seed(0)
    handle = builtin(DiT)
    adapters = Adapters(load(handle), LoRAConfig(rank=2, base=handle.digest))
    for adapter in adapters.parameters():
        adapter.data = 0.1 * torch.randn_like(adapter)
    save(adapters, path, handle.space)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, nodes="nodes.registry")
    write_lora(tmp_path / "inputs" / "style.safetensors")
    yield bench
    bench.close()


def test_a_lora_changes_what_is_sampled_by_its_weight_and_nothing_before_it(studio: Bench) -> None:
    document = workflow(
        {
            "models": ("load_models", {}),
            "lora": ("load_lora", {"file": "style.safetensors", "weight": 0.0}),
            "prompt": ("prompt", {"text": "a red ball"}),
            "encode": ("encode_text", {}),
            "canvas": ("noise_patches", {"width": 32, "height": 32, "frames": 1}),
            "plain": ("sample", {"steps": 2}),
            "styled": ("sample", {"steps": 2}),
        },
        "models.dit -> lora.dit",
        "models.text_encoder -> encode.text_encoder",
        "prompt.text -> encode.text",
        "models.dit -> canvas.dit",
        "models.vae -> canvas.vae",
        "models.dit -> plain.dit",
        "lora.dit -> styled.dit",
        "canvas.patches -> plain.patches",
        "canvas.patches -> styled.patches",
        "encode.conditioning -> plain.conditioning",
        "encode.conditioning -> styled.conditioning",
    )
    none = studio.run(document)
    assert made(none, "plain") == made(none, "styled")
    whole = studio.run(changed(document, "lora", weight=1.0))
    assert made(whole, "plain") != made(whole, "styled")
    assert set(whole.ran) == {"lora", "styled"}


def made(run: Summary, node: str) -> str:
    assert run.failed == {}
    return run.outputs[node]["patches"]
