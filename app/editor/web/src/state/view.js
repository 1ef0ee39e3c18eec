// The view of the canvas: one Vue Flow instance, fitted and moved by our own functions, because nodes that are painted
// in the overview are unknown to Vue Flow's own.
import { useVueFlow } from "@vue-flow/core";
import { ref, toRaw, watch } from "vue";

export const FLOW_ID = "patchloom";
export const flow = useVueFlow(FLOW_ID);
/** Is the view being moved? It is until it has rested for a moment. */
export const moving = ref(false);
const REST = 150; // milliseconds
/** Where the view is on its way to by itself, if it is. */
let goal = null;
let resting = 0;
watch(
  () => ({ ...flow.viewport.value }),
  () => {
    moving.value = true;
    clearTimeout(resting);
    resting = setTimeout(rest, REST);
  },
);

function rest() {
  moving.value = false;
  goal = null;
}
flow.onMoveStart(({ event }) => event?.sourceEvent && (goal = null));
/** The view, or where it will be in a moment: what comes next goes on from there. */
export const heading = () => goal ?? flow.viewport.value;

/** Move the view, within so many milliseconds. */
export function moveView(to, within = 0) {
  goal = duration(within) ? to : null;
  flow.setViewport(to, { duration: duration(within) });
}

/** Zoom about the middle of what is seen. */
export function zoomTo(wanted) {
  const view = flow.dimensions.value;
  const { x, y, zoom } = heading();
  const next = Math.min(flow.maxZoom.value, Math.max(flow.minZoom.value, wanted));
  const about = (middle, at) => middle - ((middle - at) * next) / zoom;
  moveView({ x: about(view.width / 2, x), y: about(view.height / 2, y), zoom: next }, 120);
}

const FALLBACK = { width: 280, height: 180 };

export function sizeOf(node) {
  return {
    width: node.dimensions?.width || FALLBACK.width,
    height: node.dimensions?.height || FALLBACK.height,
  };
}

/** The box around nodes; `below`: room to leave below a node. */
export function boundsOf(nodes, below = () => 0) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  // Of a thousand nodes, to track what is read takes longer than to read it.
  for (const node of toRaw(nodes).map(toRaw)) {
    const { width, height } = sizeOf(node);
    left = Math.min(left, node.position.x);
    top = Math.min(top, node.position.y);
    right = Math.max(right, node.position.x + width);
    bottom = Math.max(bottom, node.position.y + height + below(node.id));
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
export const duration = (milliseconds) => (reducedMotion.matches ? 0 : milliseconds);

export function fit(nodes = flow.nodes.value, animate = true, below = undefined) {
  if (!nodes.length) return;
  const bounds = boundsOf(nodes, below);
  const view = flow.dimensions.value;
  const zoom = Math.min(1.1, Math.max(0.05, Math.min(view.width / (bounds.width + 96), view.height / (bounds.height + 96))));
  const x = view.width / 2 - (bounds.x + bounds.width / 2) * zoom;
  const y = view.height / 2 - (bounds.y + bounds.height / 2) * zoom;
  moveView({ x, y, zoom }, animate ? 180 : 0);
}

export const selectedIds = () => flow.getSelectedNodes.value.map((node) => node.id);
export const selectedWires = () => flow.getSelectedEdges.value.map((edge) => edge.id);

export function select(ids) {
  const chosen = new Set(ids);
  flow.removeSelectedElements();
  flow.addSelectedNodes(flow.nodes.value.filter((node) => chosen.has(node.id)));
}

/** Is that element of the page the bare canvas? Nodes and wires lie within the pane. */
export const isBare = (element) => Boolean(element?.closest?.(".vue-flow__pane") && !element.closest(".vue-flow__node, .vue-flow__edge"));

/** Canvas coordinates of a point on the screen. */
export const toCanvas = (point) => flow.screenToFlowCoordinate(point);

/** A point of the screen to the left of a node, on the canvas that is seen: where what comes before it has its place. */
export function besideNode(id) {
  const box = flow.vueFlowRef.value.getBoundingClientRect();
  const { x, y, zoom } = heading();
  const { position } = flow.findNode(id);
  const within = (at, length) => Math.min(Math.max(16, length - 340), Math.max(16, at));
  return { x: box.left + within((position.x - 340) * zoom + x, box.width), y: box.top + within(position.y * zoom + y, box.height) };
}

export function viewCentre() {
  const box = flow.vueFlowRef.value.getBoundingClientRect();
  return toCanvas({ x: box.left + box.width / 2, y: box.top + box.height / 2 });
}
