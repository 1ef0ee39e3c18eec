"""Which open workflow shows a result, and in which node."""

from collections.abc import Iterable

from app.editor.open_workflow import OpenWorkflow


def made_in(workflows: Iterable[OpenWorkflow]) -> dict[str, dict[str, str | None]]:
    """By content digest: the workflow, and the title of the node if it has one of its own."""
    found: dict[str, dict[str, str | None]] = {}
    for workflow in workflows:
        records = workflow.document.records
        for node, state in workflow.board.nodes.items():
            layout = records.get(f"layout:{node}")
            title = layout.get("title") if isinstance(layout, dict) else None
            for digest in state.outputs.values():
                found.setdefault(
                    digest, {"workflow": workflow.name, "title": title if isinstance(title, str) else None}
                )
    return found
