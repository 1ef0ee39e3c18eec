"""The shipped workflows for open weights run, on tiny weights that lie where they look for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_cogvideox
import tiny_framepack
import tiny_hunyuan
import tiny_hunyuan_i2v
import tiny_ltx
import tiny_mochi
import tiny_skyreels
import tiny_wan

import assets
import pipelines
from assets.files import Files
from assets.media import probe
from assets.store import Store
from nodes.registry import library
from pipelines.check import check
from pipelines.diff import RecordsDiff, apply
from pipelines.document import Document, load
from pipelines.executors.local import LocalExecutor

FOLDER = Path(pipelines.__file__).parent / "library" / "open_weights"
NAMES = sorted(path.name.removesuffix(".loom.json") for path in FOLDER.glob("*.loom.json"))
SMALL = {"width": 48, "height": 32, "frames": 9}
SIZES = {
    "framepack_animate_image": {"frames": 37},
    "hunyuan_animate_image": {"frames": 9},
    "ltx_text_to_video": {"width": 96, "height": 64, "frames": 17},
    "mochi_text_to_video": {"width": 48, "height": 32, "frames": 7},
    "skyreels_animate_image": {"frames": 9},
    "wan_animate_image": {"frames": 9},
    "wan_vace_inpaint": {"frames": 17},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder in which every repository is tiny."""
    models = tmp_path_factory.mktemp("models")
    tiny_wan.write_text_to_video(models / "Wan-AI/Wan2.1-T2V-1.3B-Diffusers")
    tiny_wan.write_image_to_video(models / "Wan-AI/Wan2.1-I2V-14B-480P-Diffusers")
    tiny_wan.write_vace(models / "Wan-AI/Wan2.1-VACE-1.3B-diffusers")
    tiny_ltx.write(models / "Lightricks/LTX-Video-0.9.5")
    tiny_cogvideox.write(models / "zai-org/CogVideoX-2b", "2b")
    tiny_hunyuan.write(models / "hunyuanvideo-community/HunyuanVideo")
    tiny_hunyuan_i2v.write(models / "hunyuanvideo-community/HunyuanVideo-I2V", "token_replace")
    tiny_framepack.write(models / "FramePackI2V_HY")
    tiny_mochi.write(models / "genmo/mochi-1-preview")
    tiny_skyreels.write(models / "Skywork/SkyReels-V2-DF-1.3B-540P-Diffusers", forced=True)
    tiny_skyreels.write_image_to_video(models / "Skywork/SkyReels-V2-I2V-14B-540P-Diffusers")
    return models


@pytest.fixture(scope="module")
def files(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files((Path(assets.__file__).parent / "samples",), tmp_path_factory.mktemp("outputs"), (models,))


@pytest.fixture(scope="module")
def executor(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalExecutor]:
    started = LocalExecutor(Store(tmp_path_factory.mktemp("store")), files)
    yield started
    started.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_for_open_weights_makes_the_clip_that_it_promises(
    name: str, files: Files, executor: LocalExecutor
) -> None:
    made = smaller(load(FOLDER / f"{name}.loom.json"), SIZES.get(name, SMALL))
    assert [problem for problem in check(made, library(), files).problems if problem.level == "error"] == []
    summary = executor.wait(executor.submit(made))
    assert summary.failed == {}
    assert {"sampler", "decode", "save"} <= set(summary.ran)
    size = {"width": 48, "height": 32} | SIZES.get(name, SMALL)
    file = probe(files.outputs / made.params("save")["file"])
    assert (file.frames, file.height, file.width) == (size["frames"], size["height"], size["width"])


def smaller(document: Document, size: dict[str, int]) -> Document:
    """The workflow at a size and a number of steps that tiny models make in seconds."""
    changes = {"canvas": size, "sampler": {"steps": 2}}
    if "fit" in document.nodes:
        changes["fit"] = {"width": SMALL["width"], "height": SMALL["height"]}
    if "box" in document.nodes:
        changes["box"] = {"left": 8, "top": 8, "width": 24, "height": 16}
    for node, params in changes.items():
        record = document.nodes[node]
        new = {**record, "params": {**record["params"], **params}}
        document = apply(document, RecordsDiff(updated={f"node:{node}": (record, new)}))
    return document
