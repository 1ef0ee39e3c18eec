// Nodes and wires as boxes and curves on one canvas, for the overview and the minimap. Reads plain positions, so that
// painting a thousand nodes tracks nothing.
import { ref, toRaw, watch } from "vue";
import { annotationIds } from "../state/annotations.js";
import { declarationOf } from "../state/catalogue.js";
import { onDiff } from "../state/document.js";
import { layoutOf, nodeOf, titleOf, wires } from "../state/graph.js";
import { nodeStates } from "../state/run.js";
import { stateOf } from "../state/scope.js";
import { ui } from "../state/ui.js";
import { flow, moving, sizeOf } from "../state/view.js";
import { socketOf } from "./sockets.js";

// From this zoom on titles can be read, and boxes look as the nodes do that will take their place.
const READABLE = 0.3;

/** Counts the scenes: to be watched by who paints them. */
export const other = ref(0);
const statuses = () => [...nodeStates.values()].map((state) => state.status).join();
watch([() => flow.nodes.value.length, flow.getSelectedNodes, statuses, () => ui.theme], forget);
onDiff(forget);
let scene = null;
function forget() {
  scene = null;
  other.value += 1;
}
// Nodes that came into the page meanwhile were measured.
watch(moving, () => (scene = null));

/** What is painted, read once: to pan and to zoom, only the transform is another. */
export const sceneNow = () => (scene ??= read());

function read() {
  const styles = getComputedStyle(document.documentElement);
  const colours = new Map();
  const colour = (name) => colours.get(name) ?? colours.set(name, styles.getPropertyValue(name)).get(name);
  const cards = toRaw(flow.nodes.value).map(toRaw).filter((node) => node.type === "card");
  const boxes = cards.map((node) => ({ id: node.id, ...layoutOf(node.id), ...sizeOf(node), title: titleOf(node.id), selected: node.selected, colour: colour(colourName(node.id)) }));
  const places = new Map(boxes.map((box) => [box.id, box]));
  const frames = annotationIds().map((id) => {
    const { tint, ...box } = layoutOf(id);
    return { ...box, colour: colour(`--tint-${tint}`) || colour("--line") };
  });
  const led = wires().map(({ key, source, target }) => ({ key, from: places.get(source), to: places.get(target) }));
  return { boxes, frames, wires: led.filter(({ from, to }) => from && to), colour };
}

function colourName(id) {
  const status = stateOf(id)?.status;
  if (status === "running" || status === "failed") return `--status-${status}`;
  const output = declarationOf(nodeOf(id)?.type).outputs[0];
  return `--type-${socketOf(output?.type ?? "Scalar").colour}`;
}

/** but: the keys of wires that are in the page already; null for no wires at all. */
export function paintGraph(context, { x, y, zoom }, { boxes, frames, wires, colour }, but) {
  const { width, height } = context.canvas;
  const view = { left: -x / zoom, top: -y / zoom, right: (width / devicePixelRatio - x) / zoom, bottom: (height / devicePixelRatio - y) / zoom };
  context.save();
  context.translate(x, y);
  context.scale(zoom, zoom);
  context.globalAlpha = 0.22;
  for (const frame of frames) {
    context.fillStyle = frame.colour;
    context.fillRect(frame.x, frame.y, frame.width, frame.height);
  }
  context.globalAlpha = 1;
  if (but) {
    context.lineWidth = Math.max(2, 1 / zoom);
    context.strokeStyle = colour("--line");
    context.beginPath();
    for (const { key, from, to } of wires) {
      if (but.has(key)) continue;
      const [x1, y1, x2, y2] = [from.x + from.width, from.y + 56, to.x, to.y + 56];
      if (Math.max(y1, y2) < view.top || Math.min(y1, y2) > view.bottom || Math.max(x1, x2) < view.left || Math.min(x1, x2) > view.right) continue;
      const bend = Math.max(40, Math.abs(x2 - x1) / 2);
      context.moveTo(x1, y1);
      context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
    }
    context.stroke();
  }
  context.font = `500 13px ${colour("--font")}`;
  for (const box of boxes) {
    if (box.x > view.right || box.y > view.bottom || box.x + box.width < view.left || box.y + box.height < view.top) continue;
    context.fillStyle = colour("--raised");
    context.fillRect(box.x, box.y, box.width, box.height);
    context.fillStyle = box.colour;
    if (zoom < READABLE) context.fillRect(box.x, box.y, box.width, Math.min(box.height, Math.max(34, 3 / zoom)));
    else {
      context.fillRect(box.x + 12, box.y + 13, 10, 10);
      context.fillStyle = colour("--ink");
      context.fillText(box.title, box.x + 32, box.y + 23);
    }
    if (!box.selected) continue;
    context.strokeStyle = colour("--accent");
    context.lineWidth = 2 / zoom;
    context.strokeRect(box.x, box.y, box.width, box.height);
  }
  context.restore();
}
