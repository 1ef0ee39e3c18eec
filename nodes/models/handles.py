"""Handles of the built-in family, read off the headers of its weights files. No torch here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from assets.values import Captioner, DiT, Expander, ModelHandle, TextEncoder, VideoVAE
from assets.weight_files import WeightsRefused, read_metadata, weights_digest


def read_handle(path: Path) -> ModelHandle:
    """The handle of a weights file of this family; WeightsRefused where it is none, or is damaged."""
    facts = read_metadata(path)
    kind = facts.get("kind")
    if kind not in KINDS:
        raise WeightsRefused(
            f"{path.name} holds a model of kind {kind!r}; Patchloom knows {', '.join(KINDS)}. Choose another file"
        )
    try:
        return KINDS[kind](facts["family"], str(path), weights_digest(path), facts)
    except (KeyError, TypeError) as error:
        raise WeightsRefused(f"{path.name} does not say {error}; get it again or train it anew") from error


def _text_encoder(family: str, path: str, digest: str, facts: dict[str, Any]) -> TextEncoder:
    config = facts["config"]
    return TextEncoder(family, path, digest, encoder=family, dim=config["width"], max_tokens=config["max_tokens"])


def _video_vae(family: str, path: str, digest: str, facts: dict[str, Any]) -> VideoVAE:
    config = facts["config"]
    side = config["space_factor"]
    stride = (config["time_factor"], side, side)
    return VideoVAE(family, path, digest, facts["latent_space"], config["latent_channels"], stride)


def _dit(family: str, path: str, digest: str, facts: dict[str, Any]) -> DiT:
    config = facts["config"]
    pt, ph, pw = config["patch"]
    space, channels, objective = facts["latent_space"], config["latent_channels"], config["objective"]
    return DiT(family, path, digest, space, channels, (pt, ph, pw), encoder=family, objective=objective)


def _captioner(family: str, path: str, digest: str, facts: dict[str, Any]) -> Captioner:
    return Captioner(family, path, digest, facts["latent_space"])


def _expander(family: str, path: str, digest: str, facts: dict[str, Any]) -> Expander:
    return Expander(family, path, digest)


KINDS: dict[str, Callable[[str, str, str, dict[str, Any]], ModelHandle]] = {
    "text_encoder": _text_encoder,
    "video_vae": _video_vae,
    "dit": _dit,
    "captioner": _captioner,
    "expander": _expander,
}
