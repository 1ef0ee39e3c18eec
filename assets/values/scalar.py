"""Scalars: what a widget holds and what a promoted widget's port takes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScalarSpec:
    """A number, a switch or a choice; `value` is None where only a run will tell."""

    value: int | float | bool | str | None = None

    def __str__(self) -> str:
        return "value" if self.value is None else str(self.value)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One number, switch or choice."""

    value: int | float | bool | str

    @property
    def spec(self) -> ScalarSpec:
        return ScalarSpec(self.value)
