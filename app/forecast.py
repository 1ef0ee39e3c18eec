"""`patchloom forecast`: what a run would take, before it runs."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from app import settings as settings_module
from app.workflow_argument import Assignments, Device, Home, Workflow, opened, refuse_errors
from assets.store import Store
from nodes.registry import library
from pipelines.forecast import Forecaster
from pipelines.queue.queue import MEASUREMENTS


def forecast(workflow: Workflow, assignments: Assignments = None, home: Home = None, device: Device = "cpu") -> None:
    """Foresee the seconds and the memory of each node that a run would compute, from what this machine took before."""
    place = settings_module.load(home)
    files = replace(place.files, inputs=(Path.cwd(), *place.files.inputs))
    document = opened(workflow, assignments or [])
    refuse_errors(document, files)
    store = Store(place.store, place.budgets.cache_disk_bytes)
    forecaster = Forecaster(place.home / MEASUREMENTS, library(), store, files, device)
    foreseen = forecaster.forecast(document)
    forecaster.close()
    store.close()
    table = Table("node", "seconds", "at most", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for node in foreseen.loads:
        if node in foreseen.nodes:
            expected = foreseen.nodes[node]
            table.add_row(node, f"{expected.seconds:.2f}", f"{expected.peak_bytes / 1e6:.0f} MB")
        else:
            table.add_row(node, "?", "?")
    table.add_row(
        f"all, with {foreseen.cached} stored",
        f"{'>' if foreseen.unknown else ''}{foreseen.seconds:.2f}",
        f"{foreseen.peak_bytes / 1e6:.0f} MB",
    )
    console = Console()
    console.print(table)
    for node, plan in foreseen.memory.items():
        console.print(f"memory of {node}: {plan}", highlight=False)
    if foreseen.unknown:
        console.print(f"never measured here: {', '.join(foreseen.unknown)}", highlight=False)
