// Moving: by mouse the drop is the edit, by arrow keys a pause is. A frame takes along what stands in it; a node let go
// over a wire that it fits goes into that wire.
import { ref } from "vue";
import { contentsOf, isAnnotation } from "../state/annotations.js";
import { records } from "../state/document.js";
import { insertInto, moveNodes, waysInto } from "../state/graph.js";
import { ui } from "../state/ui.js";
import { flow, sizeOf } from "../state/view.js";
import { wirePoints } from "./path.js";
import { moveTo } from "./sync.js";

export const dragging = ref(false);
/** Nodes that a dragged frame takes along, with where both stood. */
let carried = [];

export function onDragStart({ nodes }) {
  dragging.value = true;
  const held = new Set(nodes.map((node) => node.id));
  const frames = nodes.filter((node) => isAnnotation(node.id) && records.get(`layout:${node.id}`).kind === "frame");
  carried = frames.flatMap((frame) =>
    contentsOf(frame.id)
      .filter((node) => !held.has(node.id))
      .map((node) => ({ node, from: { ...node.position }, frame, frameFrom: records.get(`layout:${frame.id}`) })),
  );
}

export function onDrag({ nodes }) {
  for (const { node, from, frame, frameFrom } of carried) {
    moveTo(node, { x: from.x + frame.position.x - frameFrom.x, y: from.y + frame.position.y - frameFrom.y });
  }
  ui.insertion = nodes.length === 1 ? wireUnder(nodes[0]) : null;
}

export function onDragStop({ nodes }) {
  dragging.value = false;
  const moves = [...nodes, ...carried.map(({ node }) => node)].map((node) => [node.id, node.position]);
  const { insertion } = ui;
  ui.insertion = null;
  carried = [];
  if (insertion) insertInto(insertion.key, nodes[0].id, insertion.ways, moves);
  else moveNodes(moves);
}

let nudged = new Map();
let nudgeTimer = 0;
export function onNodesChange(changes) {
  for (const change of changes) {
    if (change.type !== "position" || change.dragging || !change.position || dragging.value) continue;
    nudged.set(change.id, change.position);
    clearTimeout(nudgeTimer);
    nudgeTimer = setTimeout(() => (moveNodes(nudged, "nudge"), (nudged = new Map())), 250);
  }
}

/** The wire that goes through the head of a node and has a place for it: {key, ways}, or null. */
function wireUnder(node) {
  if (isAnnotation(node.id)) return null;
  const { width } = sizeOf(node);
  const [left, right, top, bottom] = [node.position.x + 24, node.position.x + width - 24, node.position.y - 8, node.position.y + 56];
  for (const edge of flow.edges.value) {
    if (edge.sourceX === undefined || edge.source === node.id || edge.target === node.id) continue;
    const via = records.get(edge.id)?.via ?? [];
    const through = wirePoints(edge, via).some(([x, y]) => x > left && x < right && y > top && y < bottom);
    const ways = through && waysInto(edge.id, node.id);
    if (ways) return { key: edge.id, ways };
  }
  return null;
}
