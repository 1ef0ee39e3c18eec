"""What a SkyReels-V2 folder holds: all but the DiT are Wan's. No torch here."""

from dataclasses import replace

from assets.values.handles import Given
from nodes.families.folder import ModelFolder
from nodes.families.registry import Components
from nodes.families.wan import handles as wan

FAMILY = "skyreels"


def handles(folder: ModelFolder) -> Components:
    made = wan.handles(folder)
    given: Given = "anywhere" if is_forced(folder) else "nowhere"
    return made._replace(dit=replace(made.dit, family=FAMILY, given=given))


def is_forced(folder: ModelFolder) -> bool:
    """Whether the DiT takes a noise level a latent frame (Diffusion Forcing, Chen et al. 2024)."""
    return "DiffusionForcing" in folder.pipeline
