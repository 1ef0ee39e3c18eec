"""Which results stand for a run in lists: the clips that it ends in."""

from collections.abc import Mapping
from typing import Any

from nodes.api import Node
from pipelines.document import Document
from pipelines.plan import plan

MOST = 4


def shown(
    document: Document, library: Mapping[str, Node], outputs: Mapping[str, Mapping[str, str]]
) -> list[dict[str, Any]]:
    """[{"node", "output", "digest"}] of the clips from which no other clip is made, at most 4, else of other ends.

    outputs: content digests by node and output. A clip rather than the file that it is saved to, which may be written
    over.
    """
    ends: list[dict[str, Any]] = []
    clips: list[dict[str, Any]] = []
    used = {wire.source.node for wire in document.wires if wire.target.node in outputs}
    made_into_clips = {wire.source for wire in document.wires if _gives_clip(document, library, wire.target.node)}
    for node in plan(document).order:
        declared = library.get(document.nodes[node]["type"])
        for name, digest in outputs.get(node, {}).items():
            kind = declared.outputs[name].type if declared and name in declared.outputs else ""
            one = {"node": node, "output": name, "digest": digest}
            if kind == "Clip" and (node, name) not in made_into_clips:
                clips.append(one)
            elif node not in used:
                ends.append(one)
    return (clips or ends)[-MOST:]


def _gives_clip(document: Document, library: Mapping[str, Node], node: str) -> bool:
    declared = library.get(document.nodes[node]["type"]) if node in document.nodes else None
    return declared is not None and any(output.type == "Clip" for output in declared.outputs.values())
