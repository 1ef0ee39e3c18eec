"""When samplers that are under way at once are to share their forwards."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assets.values import DiT, PatchesSpec
from nodes.api import Together
from nodes.models.handles import FAMILY

if TYPE_CHECKING:
    from nodes.dit.meeting import Meeting

# See docs/sampling.md for what was measured on a CPU; on a GPU it was not.
FEW_TOKENS = 64


def pays(device: str, inputs: Mapping[str, Any], widgets: Mapping[str, Any]) -> bool:
    """Whether shared forwards are faster: those of small clips, through the built-in DiT, on a CPU."""
    dit, patches = inputs.get("dit"), inputs.get("patches")
    small = device == "cpu" and isinstance(patches, PatchesSpec) and patches.tokens <= FEW_TOKENS
    return small and isinstance(dit, DiT) and dit.family == FAMILY and widgets.get("lossy_skip") == 0


def meeting() -> "Meeting":
    """Where samplers of one DiT meet."""
    from nodes.dit.meeting import Meeting

    return Meeting()


TOGETHER = Together("dit", pays, meeting)
