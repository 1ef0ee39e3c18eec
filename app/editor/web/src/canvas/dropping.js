// Dropped on the canvas: a node from the library, a workflow, or media, which becomes the node that reads it.
import { readerOf } from "../state/catalogue.js";
import { addNode, nodeOf } from "../state/graph.js";
import { say } from "../state/messages.js";
import { freeWidgets, setParams } from "../state/params.js";
import { select, toCanvas } from "../state/view.js";
import { openCarried, openFile, uploadFile } from "../state/workflows.js";

export async function onDrop(event) {
  const position = toCanvas({ x: event.clientX, y: event.clientY });
  const type = event.dataTransfer.getData("application/x-patchloom-node");
  if (type) return select([addNode(type, position)]);
  for (const file of event.dataTransfer.files) {
    if (/\.json$/i.test(file.name)) return openFile(file);
    const found = await uploadFile(file);
    if (!found) continue;
    const taker = takerAt(event, found.name);
    const reader = readerOf(found.name);
    if (taker) setParams([taker.id], { [taker.widget.name]: found.name }, "Change file");
    else if (reader) select([addNode(reader.type, position, null, { [reader.widget]: found.name })]);
    if (found.workflow) {
      say(`${file.name} carries the workflow that made it.`, "info", { label: "Open it", perform: () => openCarried(found.name) });
    } else if (!reader && !taker) {
      say(`${found.name} is in the workspace now; no node here reads files of that kind.`);
    }
  }
}

/** The node under the pointer, if it reads files called like that, itself or as a group that shows the widget. */
function takerAt(event, name) {
  const id = event.target.closest?.(".vue-flow__node")?.dataset.id;
  const ending = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  const widget = nodeOf(id) && freeWidgets(id).find((each) => each.mode === "open" && each.endings.includes(ending));
  return widget ? { id, widget } : null;
}
