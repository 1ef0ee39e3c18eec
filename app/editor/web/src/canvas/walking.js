// From node to node by keys, however many there are: each comes into view, and is there to take the focus.
import { nodeIds, wires } from "../state/graph.js";
import { fit, flow, heading, moveView, select, selectedIds, selectedWires, sizeOf } from "../state/view.js";
import { overview } from "./near.js";

const FOCUSABLE = "a[href], button:not(:disabled), input:not(:disabled), select, textarea, [tabindex='0']";
// A node that was out of sight is there a few frames after the view has come to it.
const FRAMES = 120;
/** The node that is on its way to the focus. */
let coming = null;
// The node that has the focus by keys: one that was clicked leaves Tab to the palette, whatever is pressed after.
let reached = null;
document.addEventListener("focusin", ({ target }) => (reached = target.matches(".vue-flow__node:focus-visible") ? target : null));
document.addEventListener("pointerdown", () => (reached = null), true);

/** All nodes, notes and frames of the canvas, each after those that it takes something from; else as they are read. */
export function inOrder() {
  const place = new Map(flow.nodes.value.map(({ id, position }) => [id, position]));
  const waits = new Map(nodeIds().map((id) => [id, 0]));
  const followers = new Map();
  for (const { source, target } of wires()) {
    if (!waits.has(source) || !waits.has(target)) continue;
    waits.set(target, waits.get(target) + 1);
    followers.set(source, [...(followers.get(source) ?? []), target]);
  }
  const read = (a, b) => place.get(a).y - place.get(b).y || place.get(a).x - place.get(b).x;
  const rest = new Set([...place.keys()].sort(read));
  const order = [];
  while (rest.size) {
    // Where all that is left waits for itself, in a loop, it is begun somewhere.
    const ready = [...rest].filter((id) => !waits.get(id));
    for (const id of ready.length ? ready : [...rest].slice(0, 1)) {
      rest.delete(id);
      order.push(id);
      for (const next of followers.get(id) ?? []) waits.set(next, waits.get(next) - 1);
    }
  }
  return order;
}

const cardOf = (id) => flow.vueFlowRef.value.querySelector(`.vue-flow__node[data-id="${CSS.escape(id)}"]`);

/** Go to the next node (1) or the previous one (-1); false where there is none. */
export function walk(by, from = coming ?? document.activeElement?.closest(".vue-flow__node")?.dataset.id ?? selectedIds()[0]) {
  const order = inOrder();
  const at = order.indexOf(from);
  const id = at < 0 ? order.at(by > 0 ? 0 : -1) : order[at + by];
  if (id === undefined) return false;
  walkTo(id);
  return true;
}

/** Go to a node of the canvas: it is selected, in view, and has the focus. */
export function walkTo(id) {
  coming = id;
  select([id]);
  reveal(flow.findNode(id));
  flow.vueFlowRef.value.focus({ preventScroll: true });
  take(id, FRAMES);
}

/** The focus goes back from a panel to what is selected, or to the canvas. */
export function backToCanvas() {
  const [wire] = selectedWires();
  const spot = selectedIds().map(cardOf).find(Boolean) ?? (wire && flow.vueFlowRef.value.querySelector(`.vue-flow__edge[data-id="${CSS.escape(wire)}"]`));
  (spot ?? flow.vueFlowRef.value).focus({ preventScroll: true });
}

function take(id, frames) {
  if (coming !== id) return;
  const card = cardOf(id);
  card?.focus({ preventScroll: true });
  if (frames && document.activeElement !== card) requestAnimationFrame(() => take(id, frames - 1));
  else coming = null;
}

/** Have a node in view, and near enough to be more than painted. */
function reveal(node) {
  const { x, y, zoom } = heading();
  const view = flow.dimensions.value;
  const { width, height } = sizeOf(node);
  const [left, top] = [node.position.x * zoom + x, node.position.y * zoom + y];
  const inView = left >= 0 && top >= 0 && left + Math.min(width * zoom, view.width) <= view.width && top + Math.min(height * zoom, view.height) <= view.height;
  if (overview.value) return fit([node], true);
  if (inView) return;
  const centre = { x: node.position.x + width / 2, y: node.position.y + height / 2 };
  moveView({ x: view.width / 2 - centre.x * zoom, y: view.height / 2 - centre.y * zoom, zoom }, 120);
}

/** Tab on a node that the keys brought the focus to, or within a node: through what is in it, then on to the next node,
    and past the last one out of the canvas. True if it was that. */
export function walkByTab(event) {
  const card = event.target.closest?.(".vue-flow__node");
  const by = event.shiftKey ? -1 : 1;
  if (event.key !== "Tab" || event.ctrlKey || event.altKey || event.metaKey || !(card || coming)) return false;
  if (!coming && event.target === card && card !== reached) return false;
  if (card && !coming) {
    const inside = [card, ...card.querySelectorAll(FOCUSABLE)].filter((each) => each === card || each.offsetParent);
    const next = inside[inside.indexOf(event.target) + by];
    if (next) return next.focus({ preventScroll: true }), true;
  }
  if (!walk(by)) document.querySelector(by > 0 ? ".view-controls button" : ".rail button:last-of-type")?.focus();
  return true;
}
