"""Which families are known, and the handles of a model folder. No torch here."""

import importlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from assets.values import DiT, ImageEncoder, TextEncoder, VideoVAE
from assets.weight_files import WeightsRefused
from nodes.families.folder import ModelFolder, read_folder


class Components(NamedTuple):
    text_encoder: TextEncoder
    dit: DiT
    vae: VideoVAE


class Handles(Protocol):
    """The module `handles` of a family."""

    def handles(self, folder: ModelFolder) -> Components:
        """What the folder holds; WeightsRefused where something is missing or does not fit."""


@dataclass(frozen=True, slots=True)
class Family:
    """name: of the package in nodes/families, and what its handles say. pipelines: the diffusers classes that it reads.

    licence: what the makers say, in a few words; a folder's own licence counts.
    """

    name: str
    label: str
    pipelines: tuple[str, ...]
    licence: str

    def components(self, folder: ModelFolder) -> Components:
        module: Handles = self._handles()
        return module.handles(folder)

    def image_encoder(self, folder: ModelFolder) -> ImageEncoder:
        module = self._handles()
        if not hasattr(module, "image_encoder"):
            raise WeightsRefused(f"{self.label} has no image encoder; its text goes into the sampler as it is.")
        made: ImageEncoder = module.image_encoder(folder)
        return made

    def _handles(self) -> Any:
        return importlib.import_module(f"nodes.families.{self.name}.handles")


FAMILIES = (
    Family("wan", "Wan", ("WanPipeline", "WanImageToVideoPipeline", "WanVACEPipeline"), "Apache-2.0"),
    Family(
        "skyreels",
        "SkyReels-V2",
        (
            "SkyReelsV2Pipeline",
            "SkyReelsV2ImageToVideoPipeline",
            "SkyReelsV2DiffusionForcingPipeline",
            "SkyReelsV2DiffusionForcingImageToVideoPipeline",
        ),
        "Skywork Community",
    ),
    Family(
        "ltx",
        "LTX-Video",
        ("LTXPipeline", "LTXImageToVideoPipeline", "LTXConditionPipeline"),
        "OpenRAIL-M (0.9.5), LTXV Open Weights (0.9.7 on)",
    ),
    Family("mochi", "Mochi", ("MochiPipeline",), "Apache-2.0"),
    Family(
        "cogvideox",
        "CogVideoX",
        ("CogVideoXPipeline", "CogVideoXImageToVideoPipeline"),
        "Apache-2.0 (2B), CogVideoX licence (5B)",
    ),
    Family(
        "hunyuan",
        "HunyuanVideo",
        ("HunyuanVideoPipeline", "HunyuanVideoImageToVideoPipeline"),
        "Tencent Hunyuan Community (not in EU, UK, KR)",
    ),
    Family(
        "framepack",
        "FramePack",
        ("HunyuanVideoFramepackPipeline",),
        "Tencent Hunyuan Community (not in EU, UK, KR)",
    ),
)
NAMES = tuple(family.name for family in FAMILIES)
LIBRARIES = ("diffusers", "transformers")


def components(path: Path) -> Components:
    """The handles of the model folder at `path`; WeightsRefused where it is none that is known."""
    family, folder = known(path)
    try:
        return family.components(folder)
    except WeightsRefused:
        raise
    except Exception as error:
        raise mislabelled(path, error, family.label) from error


def image_encoder(path: Path) -> ImageEncoder:
    """The image encoder of the model folder at `path`; WeightsRefused where it has none."""
    family, folder = known(path)
    try:
        return family.image_encoder(folder)
    except WeightsRefused:
        raise
    except Exception as error:
        raise mislabelled(path, error, family.label) from error


def mislabelled(path: Path, error: Exception, family: str = "") -> WeightsRefused:
    """That settings or weights are not what they are called, where reading them came upon something else."""
    first = (str(error).splitlines() or [""])[0].strip() or type(error).__name__
    what = f"there is no {first}" if isinstance(error, KeyError) else first
    return WeightsRefused(
        f"{path.name} does not hold what a model{f' of {family}' if family else ''} has: {what}. "
        "Its settings or weights are damaged, or of another model: get the model again."
    )


def known(path: Path) -> tuple[Family, ModelFolder]:
    """The model folder at `path` and its family; WeightsRefused where it is of none that is known."""
    require_libraries()
    folder = read_folder(path)
    for family in FAMILIES:
        if folder.pipeline in family.pipelines:
            return family, folder
    labels = ", ".join(family.label for family in FAMILIES)
    raise WeightsRefused(
        f"{path.name} is for {folder.pipeline or 'no pipeline'!r}; the families known are {labels}. Get one of these."
    )


def require_libraries() -> None:
    """WeightsRefused where what reads real weights is not installed."""
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise WeightsRefused(
            f"Real weights need {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed. "
            "Install them with: pip install 'patchloom[models]'"
        )
