"""The canvas as one NiceGUI element: its Vue half is the bundle in dist/, built from web/."""

from collections.abc import Callable
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

Handler = Callable[[dict[str, Any]], None]
Message = dict[str, Any]
EVENTS = ("hello", "edit", "undo", "redo", "run", "cancel")


class FlowEditor(Element, component="flow_editor.js", esm={"patchloom-editor": "dist"}):
    """One page's editor of one workflow.

    The document never travels in props: any later change of the element would send it again. The page fetches it by
    HTTP, sends its edits as events, and gets everything else through `tell`.
    """

    def __init__(self, workflow: str, handlers: dict[str, Handler]) -> None:
        super().__init__()
        self._props["workflow"] = workflow
        # All listeners are named here: one added later would make NiceGUI build the component anew.
        for event in EVENTS:
            self.on(event, self._passing_on(handlers[event]))

    def tell(self, messages: list[Message]) -> None:
        """Send messages to the page; a page that is offline asks for the state of things when it is back."""
        if messages and self.client.has_socket_connection:
            self.run_method("receive", messages)

    @staticmethod
    def _passing_on(handler: Handler) -> Callable[[GenericEventArguments], None]:
        return lambda event: handler(event.args if isinstance(event.args, dict) else {})
