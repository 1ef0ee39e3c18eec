"""What a SkyReels-V2 folder holds: all but the DiT are Wan's. No torch here."""

from dataclasses import replace

from assets.values import ImageEncoder
from assets.values.handles import Given
from nodes.families.folder import ModelFolder
from nodes.families.registry import Components
from nodes.families.wan import handles as wan

FAMILY = "skyreels"


def handles(folder: ModelFolder) -> Components:
    made = wan.handles(folder)
    given: Given = "anywhere" if is_forced(folder) else made.dit.given
    return made._replace(dit=replace(made.dit, family=FAMILY, given=given))


def image_encoder(folder: ModelFolder) -> ImageEncoder:
    """The CLIP that shows the image-to-video DiT what the picture holds."""
    return wan.image_encoder(folder)


def is_forced(folder: ModelFolder) -> bool:
    """Whether the DiT takes a noise level a latent frame (Diffusion Forcing, Chen et al. 2024)."""
    return "DiffusionForcing" in folder.pipeline
