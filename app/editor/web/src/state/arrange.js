// Where things stand on the canvas: aligning, spreading out, tidying, pinning; each is one edit.
import dagre from "@dagrejs/dagre";
import { layoutOf, moveNodes, setLayouts, wires } from "./graph.js";
import { boundsOf, flow, selectedIds, sizeOf } from "./view.js";

const [GAP_X, GAP_Y] = [56, 32];

const chosen = () => flow.getSelectedNodes.value.filter((node) => !layoutOf(node.id).pinned);
const box = (node) => ({ id: node.id, x: node.position.x, y: node.position.y, ...sizeOf(node) });

/** edge: "left" | "centre" | "right" | "top" | "middle" | "bottom" of the box around the selection. */
export function align(edge) {
  const boxes = chosen().map(box);
  if (boxes.length < 2) return;
  const around = boundsOf(chosen());
  const place = {
    left: () => ({ x: around.x }),
    centre: ({ width }) => ({ x: around.x + (around.width - width) / 2 }),
    right: ({ width }) => ({ x: around.x + around.width - width }),
    top: () => ({ y: around.y }),
    middle: ({ height }) => ({ y: around.y + (around.height - height) / 2 }),
    bottom: ({ height }) => ({ y: around.y + around.height - height }),
  }[edge];
  moveNodes(boxes.map((each) => [each.id, { x: each.x, y: each.y, ...place(each) }]), "", "Align");
}

/** Equal room between the selected nodes; the outer two stay. axis: "x" | "y" */
export function distribute(axis) {
  const size = axis === "x" ? "width" : "height";
  const boxes = chosen().map(box).sort((a, b) => a[axis] - b[axis]);
  if (boxes.length < 3) return;
  const last = boxes.at(-1);
  const taken = boxes.reduce((sum, each) => sum + each[size], 0);
  const room = (last[axis] + last[size] - boxes[0][axis] - taken) / (boxes.length - 1);
  let at = boxes[0][axis];
  const moves = boxes.map((each) => {
    const spot = [each.id, { x: each.x, y: each.y, [axis]: at }];
    at += each[size] + room;
    return spot;
  });
  moveNodes(moves, "", "Distribute");
}

/** Lay the selected nodes (or all) out in layers from left to right, with few crossings; their top left corner stays. */
export function tidy() {
  const nodes = (selectedIds().length > 1 ? chosen() : flow.nodes.value).filter(
    (node) => node.type === "card" && !layoutOf(node.id).pinned,
  );
  if (nodes.length < 2) return;
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: GAP_Y, ranksep: GAP_X, ranker: nodes.length > 300 ? "longest-path" : "network-simplex" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, sizeOf(node));
  const inside = new Set(nodes.map((node) => node.id));
  for (const { key, source, target } of wires()) {
    if (inside.has(source) && inside.has(target)) graph.setEdge(source, target, {}, key);
  }
  dagre.layout(graph);
  // dagre gives middles, from a corner of its own.
  const spots = nodes.map((node) => {
    const { x, y, width, height } = graph.node(node.id);
    return [node.id, { x: x - width / 2, y: y - height / 2 }];
  });
  const before = boundsOf(nodes);
  const [left, top] = ["x", "y"].map((axis) => Math.min(...spots.map(([, spot]) => spot[axis])));
  moveNodes(spots.map(([id, { x, y }]) => [id, { x: x - left + before.x, y: y - top + before.y }]), "", "Tidy");
}

/** Pinned nodes stay where they are, whatever is dragged, aligned or tidied. */
export function togglePin() {
  const ids = selectedIds();
  const pinned = !ids.every((id) => layoutOf(id).pinned);
  setLayouts(ids, { pinned: pinned || undefined }, pinned ? "Pin" : "Unpin");
}
