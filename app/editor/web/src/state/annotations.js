// Frames and notes: they mean nothing to a run. Each is a layout record that no node has, with a `kind`.
import { edit, records } from "./document.js";
import { freshId, idOf, layoutOf } from "./graph.js";
import { inScope } from "./scope.js";
import { boundsOf, flow, viewCentre } from "./view.js";

export const TINTS = ["grey", "yellow", "blue", "violet", "orange", "green", "pink"];
const [PAD, HEADER] = [24, 40];

export const isAnnotation = (id) => Boolean(records.get(`layout:${id}`)?.kind);
export const annotationIds = () => [...records.keys()].filter((key) => key.startsWith("layout:") && records.get(key).kind).map(idOf).filter(inScope);

/** A frame around the selected nodes, or an empty one in the middle of the view; returns its id. */
export function addFrame() {
  const nodes = flow.getSelectedNodes.value.filter((node) => !isAnnotation(node.id));
  const centre = viewCentre();
  const around = nodes.length ? boundsOf(nodes) : { x: centre.x - 240, y: centre.y - 160, width: 480, height: 320 };
  return put("frame", "Add a frame", {
    title: "Frame",
    tint: "grey",
    x: around.x - PAD,
    y: around.y - HEADER - PAD / 2,
    width: around.width + 2 * PAD,
    height: around.height + HEADER + 1.5 * PAD,
  });
}

export function addNote(position = viewCentre()) {
  return put("note", "Add a note", { text: "", tint: "yellow", x: position.x, y: position.y, width: 240, height: 120 });
}

/** The nodes and notes that lie within a frame: they go where it goes. */
export function contentsOf(frame) {
  const { x, y, width, height } = layoutOf(frame);
  return flow.nodes.value.filter((node) => {
    if (node.id === frame || layoutOf(node.id).pinned) return false;
    const [across, down] = [node.position.x + (node.dimensions.width || 280) / 2, node.position.y + (node.dimensions.height || 40) / 2];
    return across > x && across < x + width && down > y && down < y + height;
  });
}

function put(kind, label, values) {
  const id = freshId(kind);
  const rounded = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number.isFinite(value) ? Math.round(value) : value]));
  edit(label, (change) => change.put(`layout:${id}`, { kind, ...rounded }));
  return id;
}
