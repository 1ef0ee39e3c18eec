"""Settings of a node type that a person kept under a name, for all workflows of the workspace."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel, ValidationError

from assets.whole_files import write_whole

FILE = "presets.json"
AT_MOST = 200

Kept = dict[str, dict[str, dict[str, JsonValue]]]
"""node type -> name -> params"""


class PresetRefused(ValueError):
    """A preset that cannot be kept, or a file of them that cannot be read: what was got, what to try."""


class Named(BaseModel):
    """Which preset."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(min_length=1, max_length=200)
    name: str = Field(min_length=1, max_length=90)


class Preset(Named):
    params: dict[str, JsonValue] = Field(max_length=200)


class Presets:
    """One file in the workspace's folder; written whole or not at all."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE

    def all(self) -> Kept:
        """PresetRefused if the file is damaged; it is left as it is."""
        if not self._path.exists():
            return {}
        try:
            return RootModel[Kept].model_validate_json(self._path.read_bytes()).root
        except (ValidationError, OSError) as error:
            raise PresetRefused(f"{self._path} cannot be read ({type(error).__name__}); mend or delete it") from None

    def keep(self, preset: Preset) -> Kept:
        """Keep one, in the place of one that was called the same, and return all."""
        kept = self.all()
        of_type = {**kept.get(preset.type, {}), preset.name: preset.params}
        if len(of_type) > AT_MOST:
            raise PresetRefused(f"{preset.type} has {AT_MOST} presets already; delete one first")
        return self._write({**kept, preset.type: of_type})

    def drop(self, named: Named) -> Kept:
        """Forget one, if it is there, and return the others."""
        kept = self.all()
        left = {name: params for name, params in kept.get(named.type, {}).items() if name != named.name}
        others = {node: presets for node, presets in kept.items() if node != named.type}
        return self._write({**others, named.type: left} if left else others)

    def _write(self, kept: Kept) -> Kept:
        write_whole(self._path, json.dumps(kept, indent=1, ensure_ascii=False))
        return kept
