// Vue Flow's nodes and edges follow the document's diffs. The document is the truth.
import { declarationOf, inputOf, outputOf } from "../state/catalogue.js";
import { records, session } from "../state/document.js";
import { layoutOf, nodeOf, titleOf, wireOf } from "../state/graph.js";
import { inScope, shorten, stateOf, trail } from "../state/scope.js";
import { fit, flow, moveView } from "../state/view.js";
import { guess } from "./guess.js";
import { FEW, look } from "./near.js";

/** While a diff is taken in, wires are shown whatever is wrong with them. */
export let following = false;

// The view is fitted once, to what was there on opening.
let opening = true;
export const opened = () => (opening = false);
export function fitOnOpening() {
  if (opening && session.loaded && flow.nodes.value.length) requestAnimationFrame(() => fit(undefined, false, roomForResult));
  opening = false;
}

/** Pictures that are still to come have their room in the first view. */
const PICTURES = ["Clip", "Mask", "Latent", "Patches", "SavedFile"];
function roomForResult(id) {
  const pictured = declarationOf(nodeOf(id)?.type).outputs.some((output) => PICTURES.includes(output.type));
  return pictured && !stateOf(id)?.views ? 306 : 0;
}

const isItem = (key) => key.startsWith("node:") || Boolean(key.startsWith("layout:") && records.get(key)?.kind);
const idOf = (key) => key.slice(key.indexOf(":") + 1);

export function follow(whole) {
  if (shorten()) return showScope();
  draw(onCanvas(whole));
}

/** Of a diff what is of the part of the document that the canvas shows. */
function onCanvas(diff) {
  const shown = (part) => Object.fromEntries(Object.entries(part).filter(([key]) => inScope(idOf(key))));
  return { added: shown(diff.added), updated: shown(diff.updated), removed: shown(diff.removed) };
}

// Where the canvas was looked at before a group was entered, by the trail that led there.
const viewports = new Map();
const placeOf = () => trail.value.join("/");
const KEPT = "patchloom.place";
const kept = () => JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");

/** Be where this browser tab was in this workflow before it was loaded anew or another one was shown; before it is loaded. */
export function resume() {
  const place = kept()[session.name];
  if (place) trail.value = place.trail;
  if (place) lookFrom(place.view);
}
/** Keep for `resume` where the canvas is. */
export function keepPlace() {
  if (!flow.nodes.value.length) return;
  sessionStorage.setItem(KEPT, JSON.stringify({ ...kept(), [session.name]: { trail: trail.value, view: flow.viewport.value } }));
}
function lookFrom(view) {
  opening = false;
  moveView(view);
}

/** Go inside of groups or out of them: show what is there instead, as it was last looked at. */
export function goTo(steps) {
  viewports.set(placeOf(), { ...flow.viewport.value });
  trail.value = steps;
  showScope();
}

function showScope() {
  flow.removeSelectedElements();
  flow.removeEdges(flow.edges.value.map((edge) => edge.id));
  flow.removeNodes(flow.nodes.value.map((node) => node.id));
  const before = viewports.get(placeOf());
  opening = !before;
  if (before) lookFrom(before);
  draw(onCanvas({ added: Object.fromEntries(records), updated: {}, removed: {} }));
}

function draw(diff) {
  following = true;
  const gone = Object.keys(diff.removed).filter((key) => !records.has(key));
  flow.removeEdges(gone.filter((key) => key.startsWith("wire:")));
  flow.removeNodes(gone.filter((key) => key.startsWith("node:") || diff.removed[key]?.kind).map(idOf));
  const touched = [...Object.keys(diff.added), ...Object.keys(diff.updated)];
  const fresh = [...new Set(touched.filter(isItem).map(idOf))].filter((id) => !flow.findNode(id));
  const crowd = flow.nodes.value.length + fresh.length > FEW;
  const added = fresh.map((id) => flowNode(id, crowd));
  // A large graph is fitted before it is there, so that what is out of sight is never mounted.
  if (opening && crowd) fit(added, false);
  // To add to what is there, Vue Flow compares each with each.
  const bare = !flow.nodes.value.length;
  if (bare) flow.setNodes(added);
  else flow.addNodes(added);
  const placed = new Set(fresh);
  for (const key of [...touched, ...Object.keys(diff.removed)]) if (key.startsWith("layout:") && !placed.has(idOf(key))) place(idOf(key));
  const rewired = touched.filter((key) => key.startsWith("wire:"));
  const led = (key) => diff.updated[key] && JSON.stringify(diff.updated[key].map(ends)) !== JSON.stringify(Array(2).fill(ends(records.get(key))));
  flow.removeEdges(rewired.filter((key) => flow.findEdge(key) && led(key)));
  // The overview shows a crowd's wires as the document has them, before Vue Flow does.
  if (bare && crowd) requestAnimationFrame(() => setTimeout(drawWires));
  else drawWires(rewired);
  following = false;
}

function drawWires(keys = [...records.keys()].filter((key) => key.startsWith("wire:") && inScope(idOf(key)))) {
  following = true;
  const drawn = keys.filter((key) => records.has(key) && !flow.findEdge(key)).map(flowEdge);
  if (flow.edges.value.length) flow.addEdges(drawn);
  else flow.setEdges(drawn);
  following = false;
}

const ends = (wire) => wire && [wire.from, wire.to];

function flowNode(id, crowd) {
  const { x, y, kind, pinned } = layoutOf(id);
  const node = { id, position: { x, y }, draggable: !pinned, ariaLabel: titleOf(id) };
  if (kind) return { ...node, type: kind, zIndex: kind === "frame" ? -1000 : 0, connectable: false };
  return { ...node, type: "card", ...(crowd && guess(id)) };
}

function flowEdge(key) {
  const { source, output, target, input } = wireOf(key);
  return { id: key, ariaLabel: wireName(source, output, target, input), type: "wire", source, sourceHandle: output, target, targetHandle: input };
}

/** "Wire from Prompt, Text to Encode text, Text", for who does not see it. */
function wireName(source, output, target, input) {
  const [from, to] = [outputOf(nodeOf(source)?.type, output), inputOf(nodeOf(target)?.type, input)];
  return `Wire from ${titleOf(source)}, ${from?.label ?? output} to ${titleOf(target)}, ${to?.label ?? input}`;
}

function place(id) {
  const node = flow.findNode(id);
  if (!node || node.dragging) return;
  const { x, y, pinned } = layoutOf(id);
  node.draggable = !pinned;
  moveTo(node, { x, y });
}

/** Move a node of Vue Flow, which follows the position of mounted nodes only. */
export function moveTo(node, { x, y }) {
  node.position = { x, y };
  node.computedPosition = { ...node.computedPosition, x, y };
  look();
}
