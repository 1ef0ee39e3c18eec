"""Each node that loads a model, given files and folders that are damaged, mislabelled or lie: a sentence, no more."""

import json
import os
import pickle
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_family_files as tiny
import tiny_files
import torch
from bench import loaded
from safetensors.torch import load_file, save

from assets.files import FileRefused, Files
from assets.store import Store
from assets.weight_files import WeightsRefused
from nodes.families.nodes import load_clip_vision, load_text_encoder, load_vae, load_weights
from nodes.models.nodes import load_dit, load_lora
from nodes.registry import library
from pipelines.check import check
from pipelines.document import Document, loads
from pipelines.executors.local import LocalExecutor

SLOTS = ("dit", "second", "vae", "text", "tokenizer", "lora", "clip")


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("the pickle was run",))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder: "wan", and a good file for each slot."""
    root = tmp_path_factory.mktemp("models")
    folder = tiny_files.write_folder(root / "wan")
    tiny_files.write(root / "dit.safetensors", tiny_files.original_transformer(tiny.weights(folder)))
    tiny_files.write(root / "vae.safetensors", tiny_files.original_vae(tiny.weights(folder, "vae")))
    tiny_files.write(root / "text.safetensors", tiny_files.text_state(folder))
    tiny_files.write(root / "bare.safetensors", tiny_files.text_state(folder, tokenizer=False))
    layer = "diffusion_model.blocks.0.self_attn.q"
    pair = {f"{layer}.lora_A.weight": torch.randn(4, 128), f"{layer}.lora_B.weight": torch.randn(128, 4)}
    tiny_files.write(root / "lora.safetensors", pair)
    tiny_files.write_clip(root / "clip.safetensors", tiny_files.vision())
    return root


@pytest.fixture(scope="module")
def files(root: Path) -> Files:
    return Files((root,), root, (root,))


def opened(files: Files, slot: str, name: str) -> Any:
    """What a node makes of a file in one of its widgets, as far as its first use."""
    match slot:
        case "dit":
            return loaded(load_dit(files=files, file=name))
        case "second":
            return loaded(load_dit(files=files, file="dit.safetensors", second=name))
        case "vae":
            return loaded(load_vae(files=files, file=name))
        case "text":
            return loaded(load_text_encoder(files=files, file=name)).read("a red ball")
        case "tokenizer":
            return loaded(load_text_encoder(files=files, file="bare.safetensors", tokenizer=name)).read("a red ball")
        case "lora":
            return loaded(load_lora(load_dit(files=files, file="dit.safetensors"), files=files, file=name))
        case "clip":
            return loaded(load_clip_vision(files=files, file=name)).look(np.zeros((28, 28, 3), np.uint8))
        case _:
            found = load_weights(files=files, model=name)
            return [loaded(handle) for handle in found], loaded(found.text_encoder).read("a red ball")


def refused(files: Files, slot: str, name: str) -> str:
    with pytest.raises((WeightsRefused, FileRefused)) as caught:
        opened(files, slot, name)
    said = str(caught.value)
    assert re.search(r"(get|choose|check|pick|load|convert|needs|wire)\b", said, re.IGNORECASE), said
    assert "Traceback" not in said
    return said


def with_header(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def archive() -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    return made.getvalue()


def damaged(state: dict[str, torch.Tensor]) -> Iterator[tuple[str, bytes]]:
    whole = save({name: one.contiguous() for name, one in state.items()})
    length = 8 + int.from_bytes(whole[:8], "little")
    header, data = json.loads(whole[8:length]), whole[length:]
    yield "empty", b""
    yield "half", whole[: len(whole) // 2]
    yield "header only", whole[:length]
    yield "claims 2 to the 60", (2**60).to_bytes(8, "little") + whole[8:]
    yield "pickle", pickle.dumps(Bomb())
    yield "zip", archive()
    yield "text", b"hello " * 1000
    yield "random", np.random.default_rng(0).bytes(5000)
    yield "gguf", b"GGUF" + bytes(100)
    yield "gguf that lies", b"GGUF" + (3).to_bytes(4, "little") + (2**60).to_bytes(8, "little") * 2
    yield "list", with_header([1, 2])
    yield "nothing in it", with_header({})
    matrices = [name for name, one in state.items() if one.ndim > 1 and one.is_floating_point()]
    first, middle = matrices[0], matrices[len(matrices) // 2]
    for what, change in (
        ("huge", {"shape": [2**40, 2**40]}), ("negative", {"shape": [-1]}), ("halves", {"shape": [1.5]}),
        ("odd type", {"dtype": "F4"}), ("empty tensor", {"shape": [0], "data_offsets": [0, 0]}),
    ):  # fmt: skip
        yield what, with_header({**header, first: {**header[first], **change}}, data)
    yield "scalars", save({name: torch.zeros(()) for name in state})
    yield "one row", save({name: one.reshape(-1).contiguous() for name, one in state.items()})
    yield "integers", save({name: torch.zeros(one.shape, dtype=torch.int8) for name, one in state.items()})
    yield "truths", save({name: torch.zeros(one.shape, dtype=torch.bool) for name, one in state.items()})
    rest = {name: one.contiguous() for name, one in state.items() if name != middle}
    yield "one missing", save(rest)


@pytest.mark.parametrize("slot", [slot for slot in SLOTS if slot != "tokenizer"])
def test_a_damaged_file_gets_a_sentence(slot: str, root: Path, files: Files) -> None:
    good = {"second": "dit"}.get(slot, slot)
    for what, content in damaged(load_file(root / f"{good}.safetensors")):
        name = f"{slot} {what}.safetensors"
        (root / name).write_bytes(content)
        assert name in refused(files, slot, name)


@pytest.mark.parametrize("slot", SLOTS)
def test_what_is_something_else_or_nowhere_gets_a_sentence(slot: str, root: Path, files: Files) -> None:
    for other in ("dit", "vae", "text", "lora", "clip"):
        if other != {"second": "dit"}.get(slot, slot):
            refused(files, slot, f"{other}.safetensors")
    loop, pipe = root / f"{slot} loop.safetensors", root / f"{slot} pipe.safetensors"
    loop.symlink_to(loop)
    os.mkfifo(pipe)
    for name in ("gone.safetensors", "../gone.safetensors", loop.name, pipe.name, "a\0b", "x" * 5000):
        refused(files, slot, name)
    if slot != "tokenizer":
        refused(files, slot, "wan")


def settings(folder: Path, name: str, **changes: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def weights_of(folder: Path, part: str) -> Path:
    return next((folder / part).glob("*.safetensors"))


def as_pickle(folder: Path) -> None:
    weights_of(folder, "transformer").unlink()
    (folder / "transformer" / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))


def swap(path: Path, make: Callable[[Path], object]) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    make(path)


INDEX, DIT, VAE, TEXT = "model_index.json", "transformer/config.json", "vae/config.json", "text_encoder/config.json"
FOLDERS: dict[str, Callable[[Path], object]] = {
    "a list": lambda at: (at / INDEX).write_text("[1]"),
    "too deep": lambda at: (at / INDEX).write_text("[" * 100_000),
    "bytes": lambda at: (at / INDEX).write_bytes(bytes(range(256))),
    "too large": lambda at: (at / INDEX).write_bytes(b" " * (65 * 1024 * 1024)),
    "no pipeline": lambda at: settings(at, INDEX, _class_name=5),
    "another pipeline": lambda at: settings(at, INDEX, _class_name="FluxPipeline"),
    **{
        f"called {kind}": lambda at, kind=kind: settings(at, INDEX, _class_name=kind)  # type: ignore[misc]
        for kind in (
            "LTXPipeline",
            "MochiPipeline",
            "HunyuanVideoPipeline",
            "CogVideoXPipeline",
            "HunyuanVideoFramepackPipeline",
        )
    },
    "parts are words": lambda at: settings(at, INDEX, transformer="x"),
    "no settings": lambda at: (at / DIT).write_text("{}"),
    "settings gone": lambda at: (at / DIT).unlink(),
    "patch of words": lambda at: settings(at, DIT, patch_size="big"),
    "patch of nothing": lambda at: settings(at, DIT, patch_size=None),
    "patch of two": lambda at: settings(at, DIT, patch_size=[1, 2]),
    "channels of words": lambda at: settings(at, DIT, in_channels="many"),
    "layers of words": lambda at: settings(at, DIT, num_layers="two"),
    "more layers": lambda at: settings(at, DIT, num_layers=40),
    "wider": lambda at: settings(at, DIT, ffn_dim=4096),
    "vae of words": lambda at: settings(at, VAE, z_dim="a"),
    "vae of others": lambda at: settings(at, VAE, z_dim=99),
    "no text settings": lambda at: (at / TEXT).write_text("{}"),
    "no scheduler": lambda at: shutil.rmtree(at / "scheduler"),
    "no tokenizer": lambda at: shutil.rmtree(at / "tokenizer"),
    "empty tokenizer": lambda at: [one.write_bytes(b"") for one in (at / "tokenizer").iterdir()],
    "tokenizer of bytes": lambda at: [one.write_bytes(b"\xff\0" * 200) for one in (at / "tokenizer").iterdir()],
    "tokenizer of lists": lambda at: [one.write_text("[1]") for one in (at / "tokenizer").glob("*.json")],
    "a pickle": as_pickle,
    "a pickle by another name": lambda at: weights_of(at, "transformer").write_bytes(pickle.dumps(Bomb())),
    "a pickle of text": lambda at: weights_of(at, "text_encoder").write_bytes(pickle.dumps(Bomb())),
    "cut": lambda at: weights_of(at, "vae").write_bytes(weights_of(at, "vae").read_bytes()[:1000]),
    "no weights": lambda at: weights_of(at, "transformer").unlink(),
    "text for vae": lambda at: shutil.copy(weights_of(at, "text_encoder"), weights_of(at, "vae")),
    "vae for dit": lambda at: shutil.copy(weights_of(at, "vae"), weights_of(at, "transformer")),
    "vae for text": lambda at: shutil.copy(weights_of(at, "vae"), weights_of(at, "text_encoder")),
    "shards elsewhere": lambda at: (at / "transformer/m.safetensors.index.json").write_text(
        '{"weight_map": {"a": "../../../etc/passwd"}}'
    ),
    "shards of numbers": lambda at: (at / "transformer/m.safetensors.index.json").write_text(
        '{"weight_map": {"a": 5}}'
    ),
    "a part that links to itself": lambda at: swap(at / "vae", lambda path: path.symlink_to(path)),
    "weights that link to themselves": lambda at: swap(weights_of(at, "vae"), lambda path: path.symlink_to(path)),
    "a folder for weights": lambda at: swap(weights_of(at, "vae"), lambda path: path.mkdir()),
    "a pipe for settings": lambda at: swap(at / DIT, lambda path: os.mkfifo(path)),
}


@pytest.mark.parametrize("what", FOLDERS)
def test_a_damaged_folder_gets_a_sentence(what: str, root: Path, files: Files) -> None:
    shutil.copytree(root / "wan", root / what)
    FOLDERS[what](root / what)
    refused(files, "folder", what)


def make_clip(model: str) -> Document:
    nodes = {
        "models": {"type": "load_weights", "params": {"model": model}},
        "prompt": {"type": "prompt", "params": {"text": "a red ball"}},
        "text": {"type": "encode_text"},
        "canvas": {"type": "noise_patches", "params": {"width": 32, "height": 32, "frames": 5}},
        "sampler": {"type": "sample", "params": {"steps": 2, "shift": 0}},
    }
    wires = [
        ("models", "text_encoder", "text"), ("prompt", "text", "text"), ("models", "dit", "canvas"),
        ("models", "vae", "canvas"), ("models", "dit", "sampler"), ("canvas", "patches", "sampler"),
        ("text", "conditioning", "sampler"),
    ]  # fmt: skip
    for node in nodes.values():
        node["version"] = library()[node["type"]].version
        node.setdefault("params", {})
    made = [{"from": [source, output], "to": [target, output]} for source, output, target in wires]
    return loads(json.dumps({"format": "patchloom/1", "nodes": nodes, "wires": made, "layout": {}, "meta": {}}))


def test_a_run_with_a_hostile_model_fails_by_a_sentence_and_the_next_runs(root: Path, tmp_path: Path) -> None:
    for what in ("more layers of a run", "no numbers", "tokenizer of a run"):
        shutil.copytree(root / "wan", root / what)
    settings(root / "more layers of a run", DIT, num_layers=40)
    FOLDERS["tokenizer of bytes"](root / "tokenizer of a run")
    state = load_file(weights_of(root / "no numbers", "transformer"))
    tiny_files.write(
        weights_of(root / "no numbers", "transformer"), {name: one * torch.nan for name, one in state.items()}
    )
    files = Files((root,), tmp_path / "outputs", (root,))
    executor = LocalExecutor(Store(tmp_path / "store"), files)
    said = {}
    try:
        for model in ("more layers of a run", "tokenizer of a run", "no numbers", "wan"):
            document = make_clip(model)
            assert [one for one in check(document, library(), files).problems if one.level == "error"] == []
            summary = executor.wait(executor.submit(document))
            said[model] = " ".join(summary.failed.values())
    finally:
        executor.close()
    assert "lacks blocks.10" in said["more layers of a run"]
    assert "does not hold what a model" in said["tokenizer of a run"]
    assert "made what is no number (NaN)" in said["no numbers"]
    assert said["wan"] == ""
