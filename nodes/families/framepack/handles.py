"""What a FramePack folder holds: all but the DiT and the image encoder are HunyuanVideo's. No torch here."""

from dataclasses import replace

from assets.values import ImageEncoder
from nodes.families.folder import ModelFolder
from nodes.families.hunyuan import handles as hunyuan
from nodes.families.registry import Components

FAMILY = "framepack"
SECTION = 9
"""Latent frames that the released models make at a time."""


def handles(folder: ModelFolder) -> Components:
    made = hunyuan.handles(folder)
    dit = replace(made.dit, family=FAMILY, given="first and last frame", needs_given=True, images=1, section=SECTION)
    return made._replace(dit=dit)


def image_encoder(folder: ModelFolder) -> ImageEncoder:
    """The SigLIP that shows the DiT what the picture holds."""
    dim = folder.config("image_encoder").get("hidden_size", 1152)
    digest = folder.digest("image_encoder", "feature_extractor")
    return ImageEncoder(FAMILY, str(folder.path), digest, hunyuan.FAMILY, dim)
