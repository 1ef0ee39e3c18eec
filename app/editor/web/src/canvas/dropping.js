// Dropped on the canvas: a node from the library, a workflow, or media, which becomes the node that reads it.
import { readerOf } from "../state/catalogue.js";
import { addNode } from "../state/graph.js";
import { say } from "../state/messages.js";
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
    const reader = readerOf(found.name);
    if (reader) select([addNode(reader.type, position, null, { [reader.widget]: found.name })]);
    if (found.workflow) {
      say(`${file.name} carries the workflow that made it.`, "info", { label: "Open it", perform: () => openCarried(found.name) });
    } else if (!reader) {
      say(`${found.name} is in the workspace now; no node here reads files of that kind.`);
    }
  }
}
