"""What holds for every node there is: one test runs them all on tiny inputs."""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from shutil import copy
from typing import Any

import numpy as np
import pytest
import tiny_files
import tiny_framepack
import tiny_hunyuan_i2v
import tiny_language
import tiny_wan
from bench import Bench
from tiny_models import TinyModels, write_tiny_lora

from assets.codec import encode
from assets.files import Files
from assets.media import write_clip
from assets.values import (
    Clip,
    Conditioning,
    ConditioningSpec,
    Latent,
    Mask,
    Patches,
    SavedFile,
    Scalar,
    Text,
    TextSpec,
    Trajectory,
    Value,
)
from nodes.api import Node, Port, Widget
from nodes.context import Workflow
from nodes.families.language.handles import describer
from nodes.families.registry import components, image_encoder
from nodes.registry import library
from pipelines.arguments import coerce, injected, widget_values

GOLDEN = Path(__file__).parent.parent / "golden" / "nodes.json"
NODES = library()

# Where the defaults would be slow, or name a file that is not there.
WIDGETS: dict[str, dict[str, Any]] = {
    "load_clip": {"file": "clip.mp4"},
    "load_image": {"file": "image.png"},
    "load_dit": {"file": "dit.safetensors"},
    "load_weights": {"model": "wan"},
    "load_image_encoder": {"model": "wan i2v"},
    "load_writer": {"model": "writer"},
    "load_describer": {"model": "describer"},
    "endpoint_writer": {"model": "any"},
    "endpoint_describer": {"model": "any"},
    "load_lora": {"file": "lora.safetensors"},
    "load_vae": {"file": "vae.safetensors"},
    "load_text_encoder": {"file": "text.safetensors"},
    "load_clip_vision": {"file": "clip_vision.safetensors"},
    "noise_patches": {"width": 32, "height": 16, "frames": 5},
    "sample": {"steps": 2},
    "sample_sections": {"steps": 1},
    "branch": {"step": 1},
    "crop": {"width": 16, "height": 16},
    "mask_box": {"width": 16, "height": 16},
    "trim": {"frames": 5},
}


@pytest.fixture
def files(tmp_path: Path, tiny: TinyModels) -> Files:
    made = Files(
        inputs=(tmp_path / "inputs",),
        outputs=tmp_path / "outputs",
        models=(tiny_language.models_folder(), tiny_wan.folder().parent),
    )
    write_clip(some_clip(9), made.inputs[0] / "clip.mp4")
    write_clip(some_clip(1), made.inputs[0] / "image.png")
    copy(tiny.dit.path, made.inputs[0])
    write_tiny_lora(tiny.dit, made.inputs[0] / "lora.safetensors")
    copy(tiny_wan.folder() / "vae" / "diffusion_pytorch_model.safetensors", made.inputs[0] / "vae.safetensors")
    tiny_files.write(made.inputs[0] / "text.safetensors", tiny_files.text_state(tiny_wan.folder()))
    tiny_files.write_clip(made.inputs[0] / "clip_vision.safetensors", tiny_files.vision())
    return made


@pytest.fixture
def values(tiny: TinyModels) -> dict[str, Value]:
    """One value of each type that flows into a node; all fit together, on a canvas of 5 frames of 32 x 16 pixels."""
    import torch

    torch.manual_seed(0)
    grid, patch = (2, 1, 2), (1, 2, 2)
    handles = {type(handle).__name__: handle for handle in vars(tiny).values() if hasattr(handle, "digest")}
    tokens, noise = torch.randn(4, 16), torch.ones(4)
    return {
        **handles,
        "ImageEncoder": replace(image_encoder(tiny_wan.folder().parent / "wan i2v"), encoder=tiny.dit.encoder),
        "Describer": describer(tiny_language.models_folder() / "describer"),
        "Text": Text("a red ball"),
        "Scalar": Scalar(3),
        "Clip": some_clip(5),
        "Mask": Mask(torch.zeros(5, 16, 32)),
        "Latent": Latent(torch.randn(4, 2, 2, 4), "tiny", 8.0),
        "Patches": Patches(tokens, noise, (grid,), patch, "tiny", 8.0),
        "Conditioning": Conditioning(torch.randn(2, 12), ("a", "ball"), torch.randn(1, 12), tiny.dit.encoder),
        "Trajectory": Trajectory(
            torch.randn(3, 4, 16),
            torch.randn(2, 4, 16),
            torch.ones(3),
            noise,
            torch.randn(4, 16),
            "euler",
            (grid,),
            patch,
            "tiny",
            8.0,
        ),
    }


def for_node(node: Node, values: dict[str, Value]) -> dict[str, Value]:
    """Inputs of a node that takes only such of their type as few models have."""
    if node.type == "encode_text_with_image":
        return {"text_encoder": components(tiny_hunyuan_i2v.folder()).text_encoder}
    if node.type == "sample_sections":
        return tiny_framepack.asked()
    if node.type == "decode_sections":
        vae = components(tiny_framepack.folder()).vae
        return {"vae": vae, "latent": Latent(np.ones((vae.channels, 10, 2, 4), np.float32), vae.space, 24.0)}
    if node.type in ("load_vae", "load_text_encoder"):
        return {"dit": components(tiny_wan.folder()).dit}
    canvas = values["Patches"]
    if node.type != "add_reference" or not isinstance(canvas, Patches):
        return {}
    cells = np.ones((1, 2, 2, 4), np.float32)
    return {"canvas": replace(canvas, beside={"mask": cells, "under": cells, "scale": np.float32(1)})}


def some_clip(frames: int) -> Clip:
    rng = np.random.default_rng(frames)
    return Clip(rng.integers(0, 255, (frames, 16, 32, 3), dtype=np.uint8), 8.0)


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
def test_a_node_gives_what_its_spec_says_twice_alike_and_leaves_its_inputs_as_they_were(
    node: Node, tiny: TinyModels, values: dict[str, Value], files: Files, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.weight_files.BUILTIN", tiny.folder)
    inputs = {port.name: values[port.type] for port in node.inputs.values()} | for_node(node, values)
    widgets, wrong = widget_values(node, WIDGETS.get(node.type, {}))
    assert not wrong
    before = {name: encode(value) for name, value in inputs.items()}

    specs = {name: value.spec for name, value in inputs.items()}
    foreseen = node.output_specs({**specs, **widgets, **injected(node.spec, files)})
    arguments = {**inputs, **widgets, **injected(node.fn, files, bench)}
    made = node.by_output(node.fn(**arguments))

    assert {name: encode(value) for name, value in inputs.items()} == before
    for name, output in node.outputs.items():
        assert type(made[name]).__name__ == output.type
        assert_foreseen(foreseen[name], made[name])
    again = node.by_output(node.fn(**arguments))
    assert {name: encode(value) for name, value in again.items()} == {
        name: encode(value) for name, value in made.items()
    }


def assert_foreseen(spec: Any, value: Value) -> None:
    """The spec says what came, or nothing of what only a run can tell."""
    if isinstance(spec, TextSpec) and spec.text is None:
        assert isinstance(value, Text)
    elif isinstance(spec, ConditioningSpec) and spec.tokens is None:
        assert isinstance(value, Conditioning)
    else:
        assert spec == value.spec


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
def test_every_node_port_and_widget_is_explained(node: Node) -> None:
    assert node.help.endswith(".")
    parts: list[Port | Widget] = [*node.inputs.values(), *node.widgets.values()]
    for part in parts:
        assert len(part.help) > 5, f"{node.type}.{part.name} has no help"


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
def test_a_default_is_a_legal_value_that_survives_json(node: Node) -> None:
    for widget in node.widgets.values():
        assert coerce(widget, json.loads(json.dumps(widget.default))) == widget.default


def test_declarations_are_those_that_saved_workflows_rely_on() -> None:
    """Ports, widgets and choices go by name in saved workflows. PATCHLOOM_GOLDEN=write accepts a change."""
    declared = json.loads(json.dumps({name: declaration(node) for name, node in NODES.items()}))
    if os.environ.get("PATCHLOOM_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(declared, indent=2, sort_keys=True) + "\n")
    assert declared == json.loads(GOLDEN.read_text())


def declaration(node: Node) -> dict[str, Any]:
    """What a saved workflow depends on; words for people may change."""
    return {
        "version": node.version,
        "inputs": {port.name: [port.type, "optional" if port.optional else "needed"] for port in node.inputs.values()},
        "widgets": {
            name: {key: value for key, value in asdict(widget).items() if key in ("type", "default", "choices", "meta")}
            for name, widget in node.widgets.items()
        },
        "outputs": {output.name: output.type for output in node.outputs.values()},
    }


def test_a_saved_file_is_named_by_its_content(files: Files, bench: Bench) -> None:
    import hashlib

    made = NODES["save_clip"].fn(some_clip(5), file="a/clip.mp4", quality=90, files=files, workflow=Workflow())
    assert isinstance(made, SavedFile)
    assert made.digest == hashlib.sha256((files.outputs / "a/clip.mp4").read_bytes()).hexdigest()
