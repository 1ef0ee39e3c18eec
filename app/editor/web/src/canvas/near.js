// Which nodes and wires are mounted, and how much of each node. Of a small graph all are. Of a larger one those in and
// around the view, and only so many more in each frame as there is time for, so that none is long; what is still to come
// is painted meanwhile. Takes the place of Vue Flow's own choice, which reads every node on every move and mounts what it
// finds at once.
import { computed, nextTick, ref, shallowReactive, shallowRef, toRaw, watch } from "vue";
import { flow, moving, sizeOf } from "../state/view.js";

/** More nodes than these are mounted near the view only. */
export const FEW = 40;
export const crowd = computed(() => flow.nodes.value.length > FEW);
/** More nodes than these are painted instead of mounted while they are far away. */
const MANY = 120;
const many = computed(() => flow.nodes.value.length > MANY);
// While the view is zoomed all nodes would come and go, or show more or less: none does until it rests. One turn of the
// wheel, or a jump, is no such zoom.
const zooming = ref(false);
watch(
  () => flow.viewport.value.zoom,
  () => (zooming.value ||= moving.value),
  { flush: "sync" },
);
watch(moving, (still) => (zooming.value &&= still), { flush: "sync" });
export const overview = computed((before) => many.value && (flow.viewport.value.zoom < 0.3 || Boolean(before && zooming.value)));

/** What of a node can be read at this zoom: its "title", its "ports" and previews too, or it in "full". */
export const detail = computed(() => {
  const { zoom } = flow.viewport.value;
  if (zoom < (many.value ? 0.3 : 0.12)) return "title";
  return zoom < (crowd.value ? 0.45 : 0.2) ? "ports" : "full";
});
// Of a crowd, what is shown of each node that is mounted: it follows the zoom once the view rests, a few nodes a frame.
const details = shallowReactive(new Map());
export const detailOf = (id) => (crowd.value && details.get(id)) || detail.value;
/** Are nodes in view that are not mounted yet? */
export const waiting = ref(false);

// Pixels around the view: what comes nearer is mounted, what goes farther is not.
const [NEARER, FARTHER] = [200, 400];
// A pan by less than this brings nothing new.
const STRIDE = 80;
// Milliseconds of a frame for making elements; to lay out, to measure and to paint them takes several times that.
const BUDGET = 4;
const CAREFUL = 2;
let pace = CAREFUL; // nodes in a frame, that come or show more or less than before

const nodes = shallowRef([]);
const wires = shallowRef([]);
/** The keys of the wires of a crowd that need not be painted; null for none to be: a pan lets them come in time. */
export function mountedWires() {
  if (overview.value) return new Set();
  return zooming.value ? new Set(wires.value.map(({ id }) => id)) : null;
}
flow.getNodes = computed(() => (crowd.value ? nodes.value.filter((node) => flow.nodeLookup.value.has(node.id)) : flow.nodes.value));
flow.getEdges = computed(() => (crowd.value ? wires.value.map(({ id }) => flow.edgeLookup.value.get(id)).filter(Boolean) : flow.edges.value));

let mounted = new Set();

let frame = 0;
/** Choose anew in the next frame: the view, the nodes or their places changed. */
export const look = () => (frame ||= requestAnimationFrame(choose));
watch([() => ({ ...flow.dimensions.value }), flow.nodeLookup, flow.edgeLookup, overview, detail, moving], look);
// How long a node takes is not known before the first.
watch(detail, () => (pace = Math.min(pace, CAREFUL)));
let chosenAt = { x: 0, y: 0, zoom: 0 };
watch(
  () => ({ ...flow.viewport.value }),
  ({ x, y, zoom }) => (zoom !== chosenAt.zoom || Math.abs(x - chosenAt.x) > STRIDE || Math.abs(y - chosenAt.y) > STRIDE) && look(),
);

// What was mounted while the graph was small stays.
let few = new Set();
watch(
  () => flow.nodes.value.length,
  (count, before) => {
    if (count <= FEW) few = new Set(flow.nodes.value.map((node) => node.id));
    else if (before <= FEW) keepFew();
  },
);
function keepFew() {
  nodes.value = toRaw(flow.nodes.value).map(toRaw).filter((node) => few.has(node.id));
  wires.value = toRaw(flow.edges.value).map(toRaw).filter((edge) => few.has(edge.source) && few.has(edge.target));
  mounted = new Set(nodes.value.map((node) => node.id));
}

async function choose() {
  frame = 0;
  if (!crowd.value) return (waiting.value = false);
  chosenAt = { ...flow.viewport.value };
  const all = toRaw(flow.nodes.value).map(toRaw);
  const [view, near, far] = [0, NEARER, FARTHER].map(around);
  const touches = (node, box) => overlaps(boxOf(node), box);
  if (zooming.value) return (waiting.value = all.some((node) => !mounted.has(node.id) && touches(node, view)));
  const wanted = overview.value ? [] : all.filter((node) => !mounted.has(node.id) && touches(node, near));
  // What can be seen comes first.
  wanted.sort((a, b) => touches(b, view) - touches(a, view));
  const held = document.activeElement?.closest(".vue-flow__node")?.dataset.id;
  const leaving = all.filter((node) => mounted.has(node.id) && (overview.value || !touches(node, far)) && !node.dragging && node.id !== held);
  const come = wanted.slice(0, pace);
  const go = new Set(leaving.slice(0, Math.max(4, 2 * (pace - come.length))).map((node) => node.id));
  const chosen = new Set(come.map((node) => node.id));
  const kept = all.filter((node) => chosen.has(node.id) || (mounted.has(node.id) && !go.has(node.id)));
  const behind = moving.value ? [] : kept.filter((node) => mounted.has(node.id) && details.get(node.id) !== detail.value);
  behind.sort((a, b) => touches(b, view) - touches(a, view));
  const follow = behind.slice(0, pace - come.length);
  mounted = new Set(kept.map((node) => node.id));
  waiting.value = wanted.slice(come.length).some((node) => touches(node, view));

  const began = performance.now();
  for (const { id } of [...come, ...follow]) details.set(id, detail.value);
  for (const id of go) details.delete(id);
  if (come.length || go.size) nodes.value = kept;
  const more = chooseWires(near);
  await nextTick();
  const took = performance.now() - began;
  if (come.length || follow.length) pace = Math.min(40, Math.max(1, Math.round((pace * BUDGET) / Math.max(1, took))));
  if (more || wanted.length > come.length || leaving.length > go.size || behind.length > follow.length) look();
}

/** Wires that the view may show; true if some are still to come. */
function chooseWires(near) {
  const lookup = flow.nodeLookup.value;
  const shown = new Set(wires.value.map((edge) => edge.id));
  const crossing = overview.value ? [] : toRaw(flow.edges.value).map(toRaw).filter((edge) => overlaps(span(toRaw(lookup.get(edge.source)), toRaw(lookup.get(edge.target))), near));
  const fresh = crossing.filter((edge) => !shown.has(edge.id));
  const come = new Set(fresh.slice(0, 3 * pace));
  if (come.size || crossing.length - fresh.length < shown.size) wires.value = crossing.filter((edge) => shown.has(edge.id) || come.has(edge));
  return fresh.length > come.size;
}

function around(margin) {
  const { x, y, zoom } = flow.viewport.value;
  const { width, height } = flow.dimensions.value;
  return { left: (-x - margin) / zoom, top: (-y - margin) / zoom, right: (width - x + margin) / zoom, bottom: (height - y + margin) / zoom };
}

function boxOf(node) {
  const { width, height } = sizeOf(node);
  const { x, y } = node.position;
  return { left: x, top: y, right: x + width, bottom: y + height };
}

function span(source, target) {
  const [a, b] = [boxOf(source), boxOf(target)];
  return { left: Math.min(a.left, b.left), top: Math.min(a.top, b.top), right: Math.max(a.right, b.right), bottom: Math.max(a.bottom, b.bottom) };
}

const overlaps = (a, b) => a.left < b.right && a.right > b.left && a.top < b.bottom && a.bottom > b.top;
