"""OpenAI-style endpoints that the person named in endpoints.json of the models folder; no other host is ever called."""

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import numpy.typing as npt

from assets.weight_files import WeightsRefused
from nodes.families.language.instructions import CAPTION, with_all_of

FILE = "endpoints.json"
SECONDS = 300.0


class EndpointFailed(RuntimeError):
    """An endpoint that gave no answer: what was asked, what came."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """url: of its version's root, like http://127.0.0.1:11434/v1. model: by its name there.

    key: environment variable that holds the key, "" where none is needed.
    """

    url: str
    model: str
    key: str = ""

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps([self.url, self.model]).encode()).hexdigest()

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def named(models: Path, name: str, model: str) -> Endpoint:
    """The endpoint of that name; WeightsRefused where the person has not named one so."""
    try:
        known = json.loads((models / FILE).read_text())
    except FileNotFoundError:
        known = {}
    except (OSError, ValueError) as error:
        raise WeightsRefused(f"{models / FILE} cannot be read ({error}); mend it") from error
    found = known.get(name) if isinstance(known, dict) else None
    if isinstance(found, dict) and str(found.get("url", "")).startswith("http"):
        return Endpoint(str(found["url"]).rstrip("/"), model, str(found.get("key", "")))
    example = json.dumps({name or "local": {"url": "http://127.0.0.1:11434/v1"}})
    raise WeightsRefused(
        f"there is no endpoint {name!r} in {models / FILE}; name it there, like {example}. Only hosts that stand there "
        "are ever called"
    )


class Writer:
    """A model behind an endpoint, for the nodes that want one."""

    def __init__(self, endpoint: Endpoint, instructions: str) -> None:
        self.endpoint, self.instructions = endpoint, instructions

    def expand(self, prompt: str, seed: int) -> str:
        told = [{"role": "system", "content": self.instructions}, {"role": "user", "content": prompt}]
        return with_all_of(prompt, self._answer(told, seed))

    def describe(self, frames: Sequence[npt.NDArray[np.uint8]], asked: str = CAPTION) -> str:
        """What frames (h w 3) of a clip show, as it is asked for."""
        pictures = [{"type": "image_url", "image_url": {"url": _data_url(frame)}} for frame in frames]
        return self._answer([{"role": "user", "content": [{"type": "text", "text": asked}, *pictures]}], 0).strip()

    def _answer(self, messages: list[dict[str, Any]], seed: int) -> str:
        key = os.environ.get(self.endpoint.key, "") if self.endpoint.key else ""
        asked = {"model": self.endpoint.model, "messages": messages, "seed": seed}
        try:
            response = httpx.post(
                f"{self.endpoint.url}/chat/completions", json=asked, timeout=SECONDS, follow_redirects=False,
                headers={"Authorization": f"Bearer {key}"} if key else {},
            )  # fmt: skip
            response.raise_for_status()
            answer = response.json()["choices"][0]["message"]["content"]
            if not isinstance(answer, str):
                raise TypeError(f"its message is {answer!r}")
            return answer
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            raise EndpointFailed(
                f"{self.endpoint.url} gave no answer of {self.endpoint.model!r} ({error or type(error).__name__}); "
                "check that it runs and knows the model"
            ) from error


def _data_url(frame: npt.NDArray[np.uint8]) -> str:
    _, png = cv2.imencode(".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return "data:image/png;base64," + base64.b64encode(png.tobytes()).decode()
