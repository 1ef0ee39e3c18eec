"""The page: `/` opens the workflow to begin with, `/w/<name>` that one."""

import asyncio
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import nicegui
from fastapi.responses import RedirectResponse
from nicegui import ui
from nicegui.dependencies import esm_modules
from starlette.datastructures import URLPath

from app.editor.element import FlowEditor
from app.editor.open_workflow import OpenWorkflow
from app.editor.workspace import Workspace
from assets.files import FileRefused
from pipelines.document import DocumentError

# What the page asks for first comes while its scripts are still to be read; its own script is compiled meanwhile, too.
FETCHED_AHEAD = '<link rel="preload" as="fetch" crossorigin="anonymous" href="{}">'
READ_AHEAD = '<link rel="modulepreload" href="{}">'
# What encodeURIComponent leaves as it is: an address that is written otherwise is another.
AS_IT_IS = "!'()*~"
BUNDLE = next(
    f"/_nicegui/{nicegui.__version__}/esm/{key}/index.js"
    for key, module in esm_modules.items()
    if module.name == "patchloom-editor"
)
# By then the page is on its way, and a browser is yet to ask for what belongs to it.
SENT_SECONDS = 0.01


class EditorPage:
    """One browser tab on one workflow."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.user = ""
        self._workspace = workspace
        self._name = name
        self._element = FlowEditor(
            name,
            {
                "hello": self._hello,
                "edit": lambda event: self._workflow.edit(self, event),
                "undo": lambda event: self._workflow.undo(self),
                "redo": lambda event: self._workflow.redo(self),
                "run": self._run,
                "cancel": lambda event: self._workflow.cancel(),
            },
        )
        self._element.client.on_connect(self._back)
        self._element.client.on_delete(self._gone)

    def tell(self, messages: list[dict[str, Any]]) -> None:
        self._element.tell(messages)

    @property
    def _workflow(self) -> OpenWorkflow:
        return self._workspace.open(self._name)

    def _hello(self, event: dict[str, Any]) -> None:
        self.user = str(event.get("user"))[:64]
        workflow = self._workflow
        if self not in workflow.pages:
            workflow.pages.append(self)
        # A forecast may have been made since the page fetched the workflow.
        run = {"kind": "run", "run": workflow.shown_run()}
        self.tell([{"kind": "history", **workflow.history.names(self.user)}, self._workspace.feed.message(), run])
        if event.get("rev") != self._workflow.rev:
            self.tell([{"kind": "behind", "rev": self._workflow.rev}])

    def _run(self, event: dict[str, Any]) -> None:
        targets = event.get("targets")
        wanted = [str(target) for target in targets] if isinstance(targets, list) else None
        count = event.get("count")
        self._workflow.run(self, wanted, count if isinstance(count, int) else 1, first=event.get("first") is True)

    def _back(self) -> None:
        """The socket is (again) there: what was said meanwhile is lost, so say how things stand."""
        if self.user:
            workflow = self._workflow
            self.tell(
                [
                    {"kind": "behind", "rev": workflow.rev},
                    {"kind": "nodes", "nodes": workflow.board.everything(), "whole": True},
                    {"kind": "run", "run": workflow.shown_run()},
                    self._workspace.feed.message(),
                ]
            )

    def _gone(self) -> None:
        workflow = self._workspace.opened.get(self._name)
        if workflow and self in workflow.pages:
            workflow.pages.remove(self)


def add_pages(workspace: Workspace, first: str) -> None:
    """Register the pages with NiceGUI. first: the workflow that `/` opens."""

    @ui.page("/")
    def start() -> RedirectResponse:
        return RedirectResponse(URLPath(f"/w/{first}"))

    def open_ahead(name: str) -> None:
        # What stands in the way is said when the page's script asks for it.
        with suppress(DocumentError, FileRefused):
            workspace.open(name)

    @ui.page("/w/{name}", title="Patchloom")
    def workflow(name: str) -> None:
        ui.page_title(f"{name} · Patchloom")
        asyncio.get_running_loop().call_later(SENT_SECONDS, open_ahead, name)
        ui.add_head_html(READ_AHEAD.format(BUNDLE))
        for address in ("/api/nodes", "/api/groups", f"/api/workflows/{quote(name, safe=AS_IT_IS)}"):
            ui.add_head_html(FETCHED_AHEAD.format(address))
        EditorPage(workspace, name)
