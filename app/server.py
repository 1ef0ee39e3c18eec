"""The server: the page, its API and the executor in one process, which never imports torch."""

import asyncio
import socket
from pathlib import Path

from nicegui import app, ui

from app.api.cache import cache_routes
from app.api.groups import group_routes
from app.api.library import library_routes
from app.api.media import media_routes
from app.api.models import model_routes
from app.api.presets import preset_routes
from app.api.queue import queue_routes
from app.api.results import result_routes
from app.api.security import protect
from app.api.unchanging import CompressedOnce
from app.api.versions import version_routes
from app.api.workflows import workflow_routes
from app.editor.page import add_pages
from app.editor.workspace import Workspace
from app.model_shelf import ModelShelf
from app.settings import Settings
from assets.digests import digests
from nodes.registry import library
from pipelines.events import Event

FAVICON = Path(__file__).parent / "editor" / "static" / "favicon.svg"
# A browser whose main thread is busy for some seconds must find its page again (3 s by default).
RECONNECT_SECONDS = 60


def serve(settings: Settings, open_browser: bool, workflow: Path | None = None) -> None:
    """Serve the editor until interrupted. workflow: a file to begin with, of which the workspace keeps a copy.

    OSError if the port is taken; DocumentError if the workflow cannot be read.
    """
    refuse_taken_port(settings)
    digests.patient = False
    workspace = Workspace(settings, library())
    shelf = ModelShelf(settings.files)
    shelf.look()
    first = workspace.first(workflow)
    app.include_router(workflow_routes(workspace))
    app.include_router(version_routes(workspace))
    app.include_router(result_routes(workspace))
    app.include_router(media_routes(workspace))
    app.include_router(cache_routes(workspace))
    app.include_router(queue_routes(workspace))
    app.include_router(library_routes(workspace))
    app.include_router(model_routes(shelf))
    app.include_router(preset_routes(workspace))
    app.include_router(group_routes(workspace))
    add_pages(workspace, first)
    protect(settings.host, settings.port)
    app.on_startup(lambda: listen(workspace))
    app.on_shutdown(workspace.close)
    print(f"Patchloom is at http://{settings.host}:{settings.port}  (Ctrl+C stops it)", flush=True)
    ui.run(
        host=settings.host,
        port=settings.port,
        title="Patchloom",
        favicon=FAVICON,
        dark=True,
        tailwind=False,
        reconnect_timeout=RECONNECT_SECONDS,
        show=open_browser,
        show_welcome_message=False,
        reload=False,
        gzip_middleware_factory=CompressedOnce,
    )


def listen(workspace: Workspace) -> None:
    """Bring what the queue says, which comes on threads of its own, to the event loop; then let it work."""
    loop = asyncio.get_running_loop()

    def pass_on(event: Event) -> None:
        loop.call_soon_threadsafe(workspace.see, event)

    def changed() -> None:
        loop.call_soon_threadsafe(workspace.feed.changed)

    def check_again() -> None:
        for opened in workspace.opened.values():
            loop.call_soon_threadsafe(opened.check_again)

    digests.when_read = check_again
    workspace.queue.subscribe(pass_on)
    workspace.queue.watch(changed)
    workspace.queue.start()


def refuse_taken_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise OSError(
                f"port {settings.port} of {settings.host} is taken ({error.strerror}); is Patchloom open already? "
                "Else choose another with --port"
            ) from None
