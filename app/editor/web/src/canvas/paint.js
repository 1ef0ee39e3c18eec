// Nodes and wires as boxes and curves on one canvas, for the overview and the minimap. Reads plain positions, so that
// painting a thousand nodes tracks nothing.
import { toRaw } from "vue";
import { annotationIds } from "../state/annotations.js";
import { declarationOf } from "../state/catalogue.js";
import { layoutOf, nodeOf, wires } from "../state/graph.js";
import { stateOf } from "../state/scope.js";
import { flow, sizeOf } from "../state/view.js";
import { socketOf } from "./sockets.js";

export function nodeColour(id, styles) {
  const status = stateOf(id)?.status;
  if (status === "running" || status === "failed") return styles.getPropertyValue(`--status-${status}`);
  const output = declarationOf(nodeOf(id)?.type).outputs[0];
  return styles.getPropertyValue(`--type-${socketOf(output?.type ?? "Scalar").colour}`);
}

export function boxes() {
  const cards = toRaw(flow.nodes.value).map(toRaw).filter((node) => node.type === "card");
  return cards.map((node) => ({ id: node.id, ...layoutOf(node.id), ...sizeOf(node), selected: node.selected }));
}

export function paintGraph(context, { x, y, zoom }, styles, { withWires = true } = {}) {
  const { width, height } = context.canvas;
  const view = { left: -x / zoom, top: -y / zoom, right: (width / devicePixelRatio - x) / zoom, bottom: (height / devicePixelRatio - y) / zoom };
  const all = boxes();
  const places = new Map(all.map((box) => [box.id, box]));
  context.save();
  context.translate(x, y);
  context.scale(zoom, zoom);
  for (const id of annotationIds()) {
    const { x, y, width, height, tint } = layoutOf(id);
    context.fillStyle = styles.getPropertyValue(`--tint-${tint}`) || styles.getPropertyValue("--line");
    context.globalAlpha = 0.22;
    context.fillRect(x, y, width, height);
    context.globalAlpha = 1;
  }
  if (withWires) {
    context.lineWidth = Math.max(2, 1 / zoom);
    context.strokeStyle = styles.getPropertyValue("--line");
    context.beginPath();
    for (const wire of wires()) {
      const [from, to] = [places.get(wire.source), places.get(wire.target)];
      if (!from || !to) continue;
      const [x1, y1, x2, y2] = [from.x + from.width, from.y + 56, to.x, to.y + 56];
      if (Math.max(y1, y2) < view.top || Math.min(y1, y2) > view.bottom || Math.max(x1, x2) < view.left || Math.min(x1, x2) > view.right) continue;
      const bend = Math.max(40, Math.abs(x2 - x1) / 2);
      context.moveTo(x1, y1);
      context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
    }
    context.stroke();
  }
  const raised = styles.getPropertyValue("--raised");
  for (const box of all) {
    if (box.x > view.right || box.y > view.bottom || box.x + box.width < view.left || box.y + box.height < view.top) continue;
    context.fillStyle = raised;
    context.fillRect(box.x, box.y, box.width, box.height);
    context.fillStyle = nodeColour(box.id, styles);
    context.fillRect(box.x, box.y, box.width, Math.min(box.height, Math.max(34, 3 / zoom)));
    if (!box.selected) continue;
    context.strokeStyle = styles.getPropertyValue("--accent");
    context.lineWidth = 2 / zoom;
    context.strokeRect(box.x, box.y, box.width, box.height);
  }
  context.restore();
}
