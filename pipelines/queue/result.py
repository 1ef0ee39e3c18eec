"""What is kept of a run when it has ended."""

from collections.abc import Mapping
from typing import Any

from nodes.api import Node
from pipelines.document import Document
from pipelines.events import Event
from pipelines.executors.part import Summary
from pipelines.forecast import Forecast
from pipelines.queue.entry import State
from pipelines.queue.shown import shown


def state_of(summary: Summary) -> State:
    """How a run ended, in one word."""
    if summary.cancelled:
        return "cancelled"
    return "failed" if summary.failed or summary.skipped else "done"


def took(event: Event) -> dict[str, Any]:
    """What a node took that is done; `reused` steps make it less than it would be next time."""
    return {"seconds": event.seconds, "peak_bytes": event.peak_bytes, "reused": event.reused}


def result_of(
    document: Document,
    library: Mapping[str, Node],
    summary: Summary,
    nodes: Mapping[str, Mapping[str, Any]],
    forecast: Forecast,
) -> dict[str, Any]:
    """`Entry.result`. nodes: what those that ran `took`, by node id."""
    return {
        "ran": len(summary.ran),
        "cached": len(summary.cached),
        "failed": summary.failed,
        "skipped": len(summary.skipped),
        "cancelled": len(summary.cancelled),
        "shown": shown(document, library, summary.outputs),
        "nodes": {node: {**took, "forecast": _seconds(forecast, node)} for node, took in nodes.items()},
    }


def _seconds(forecast: Forecast, node: str) -> float | None:
    return forecast.nodes[node].seconds if node in forecast.nodes else None
