"""Settings of a node type that a person kept under a name, for all workflows of the workspace."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel, ValidationError

from assets.whole_files import write_whole
from pipelines.upgrades import upgraded_params

FILE = "presets.json"
AT_MOST = 200

Params = dict[str, JsonValue]
Kept = dict[str, dict[str, Params]]
"""node type -> name -> params"""


class PresetRefused(ValueError):
    """A preset that cannot be kept, or a file of them that cannot be read: what was got, what to try."""


class Named(BaseModel):
    """Which preset."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(min_length=1, max_length=200)
    name: str = Field(min_length=1, max_length=90)


class Preset(Named):
    """version: of the node, whose params these are."""

    version: int = Field(ge=1)
    params: Params = Field(max_length=200)


class Written(BaseModel):
    """A preset in the file; at first only its params stood there."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: int
    params: Params


File = RootModel[dict[str, dict[str, Written | Params]]]


class Presets:
    """One file in the workspace's folder; written whole or not at all."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE

    def all(self) -> Kept:
        """As the nodes take them now. PresetRefused if the file is damaged; it is left as it is."""
        return {
            kind: {name: upgraded_params(kind, each.version, each.params) for name, each in named.items()}
            for kind, named in self._read().items()
        }

    def keep(self, preset: Preset) -> Kept:
        """Keep one, in the place of one that was called the same, and return all."""
        kept = self._read()
        of_type = {**kept.get(preset.type, {}), preset.name: Written(version=preset.version, params=preset.params)}
        if len(of_type) > AT_MOST:
            raise PresetRefused(f"{preset.type} has {AT_MOST} presets already; delete one first")
        return self._write({**kept, preset.type: of_type})

    def drop(self, named: Named) -> Kept:
        """Forget one, if it is there, and return the others."""
        kept = self._read()
        left = {name: each for name, each in kept.get(named.type, {}).items() if name != named.name}
        others = {node: presets for node, presets in kept.items() if node != named.type}
        return self._write({**others, named.type: left} if left else others)

    def _read(self) -> dict[str, dict[str, Written]]:
        if not self._path.exists():
            return {}
        try:
            found = File.model_validate_json(self._path.read_bytes()).root
        except (ValidationError, OSError) as error:
            raise PresetRefused(f"{self._path} cannot be read ({type(error).__name__}); mend or delete it") from None
        return {
            kind: {
                name: each if isinstance(each, Written) else Written(version=1, params=each)
                for name, each in named.items()
            }
            for kind, named in found.items()
        }

    def _write(self, kept: dict[str, dict[str, Written]]) -> Kept:
        write_whole(self._path, RootModel[dict[str, dict[str, Written]]](kept).model_dump_json(indent=1))
        return self.all()
