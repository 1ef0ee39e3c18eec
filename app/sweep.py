"""`patchloom sweep`: one workflow over a grid of values, and all results on one labelled sheet."""

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app import settings as settings_module
from app.refusals import fail
from app.workflow_argument import Assignments, Device, Home, Workflow, name_of, opened, refuse_errors
from assets.media import MediaError, write_clip
from nodes.registry import library
from pipelines.sweep import SweepError, axis, grid

STILL = (".png", ".jpg", ".jpeg")


def sweep(
    workflow: Workflow,
    over: Annotated[
        list[str],
        typer.Option(metavar="NODE.PARAM=VALUES", help="1,2,3 or first..last:step; repeat for another axis."),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The sheet: .png for stills, .mp4, .webm or .webp for clips.")
    ] = Path("sheet.png"),
    assignments: Assignments = None,
    home: Home = None,
    device: Device = "cpu",
) -> None:
    """Run a workflow at every point of a grid; what the points share runs once. The last axis goes across the sheet."""
    from app.contact_sheet import sheet_of
    from app.recorder import Recorder

    place = settings_module.load(home)
    files = replace(place.files, inputs=(Path.cwd(), *place.files.inputs))
    document = opened(workflow, assignments or [])
    console = Console(stderr=True)
    try:
        axes = [axis(text, document, library()) for text in over]
        cells = grid(document, axes, library())
        for cell in cells:
            refuse_errors(cell.document, files)
        with Recorder(place, files, device) as recorder:
            name, id = name_of(workflow), secrets.token_hex(8)
            recorder.book.add_sweep(id, name, axes)
            for number, cell in enumerate(cells, 1):
                console.print(f"{number}/{len(cells)} {cell.label}", highlight=False, markup=False)
                if recorder.run(cell.document, name, console, cell.label, id).state == "cancelled":
                    fail("the sweep was stopped; run it again to go on where it is")
            sheet = sheet_of(recorder.book, recorder.store, id, still=output.suffix.lower() in STILL)
        write_clip(sheet, output)
    except (SweepError, MediaError, ValueError) as refused:
        fail(str(refused))
    print(output)
