"""Handles of the built-in family, read off the headers of its weights files. No torch here."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from assets import weight_files
from assets.values import Captioner, DiT, Expander, ModelHandle, TextEncoder, VideoVAE
from assets.values.handles import ROUNDED
from assets.weight_files import WeightsRefused, read_metadata, weights_digest
from assets.weight_headers import is_gguf

FAMILY = "patchloom"
"""The built-in family."""
H = TypeVar("H", bound=ModelHandle)


def builtin(kind: type[H]) -> H:
    """The handle of the shipped weights of a kind; WeightsRefused where they are missing, damaged or others."""
    name, _ = KINDS[kind]
    return handle(kind, weight_files.BUILTIN / f"{name}.safetensors")


def by_weights(spec: Callable[..., Any]) -> Callable[..., str]:
    """What stands for the content of a node whose outputs are handles: the digests of their weights, and in what
    precision they are held, where that is not as stored.

    spec: its spec function, whose arguments it takes.
    """

    @wraps(spec)
    def content(**arguments: Any) -> str:
        made = spec(**arguments)
        return " ".join(map(_held, made if isinstance(made, tuple) else (made,)))

    return content


def _held(handle: ModelHandle) -> str:
    held = ROUNDED.get(handle.precision, handle.precision)
    return handle.digest if held == "as stored" else f"{handle.digest} {held}"


def handle(kind: type[H], path: Path) -> H:
    """The handle of the weights in a file; WeightsRefused where they are missing, damaged or of another kind."""
    name, read = KINDS[kind]
    facts = read_metadata(path)
    if facts.get("kind") != name:
        raise WeightsRefused(
            f"{path.name} holds a model of kind {facts.get('kind')!r}; it needs {name!r}: get it again"
        )
    try:
        return read(facts["family"], str(path), weights_digest(path), facts)  # type: ignore[return-value]
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsRefused(f"{path.name} does not say {error}; get it again or train it anew") from error


def is_own(path: Path) -> bool:
    """Whether a file holds weights that were trained here, of whatever kind."""
    return not is_gguf(path) and "kind" in read_metadata(path)


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


KINDS: dict[type[ModelHandle], tuple[str, Callable[[str, str, str, dict[str, Any]], ModelHandle]]] = {
    TextEncoder: ("text_encoder", _text_encoder),
    VideoVAE: ("video_vae", _video_vae),
    DiT: ("dit", _dit),
    Captioner: ("captioner", _captioner),
    Expander: ("expander", _expander),
}
