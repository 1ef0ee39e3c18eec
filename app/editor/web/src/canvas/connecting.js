// Drawing wires, and taking hold of their ends. What does not fit says why while the pointer is over it.
import { watch } from "vue";
import { openPalette } from "../actions/adding.js";
import { inputOf, outputOf } from "../state/catalogue.js";
import { putBetween, wayFor, wayText } from "../state/converting.js";
import { connectWire, disconnect, nodeOf, wireOf } from "../state/graph.js";
import { say } from "../state/messages.js";
import { ui } from "../state/ui.js";
import { flow, isBare, select } from "../state/view.js";
import { closesLoop, knownReason, reasonAgainst, typesFit } from "../state/wiring.js";
import { following } from "./sync.js";

export function onConnectStart({ nodeId, handleId, handleType }) {
  const side = handleType === "source" ? "output" : "input";
  const type = nodeOf(nodeId)?.type;
  const port = side === "output" ? outputOf(type, handleId) : inputOf(type, handleId);
  ui.connecting = { node: nodeId, port: handleId, side, type: port?.type ?? "Scalar", accepts: port?.accepts ?? [] };
}

/** Asked for each wire that is drawn by hand; those of the document are shown whatever is wrong with them. */
export function isValid(connection) {
  if (following) return true;
  return typesFit(connection) && !closesLoop(connection) && !knownReason(connection);
}

/** The wire that would be made if the pointer let go now. */
function candidate() {
  const [from, end] = [ui.connecting, flow.connectionEndHandle.value];
  if (!from || !end || end.nodeId === from.node || (end.type === "source") === (from.side === "output")) return null;
  const near = { node: from.node, port: from.port };
  const far = { node: end.nodeId, port: end.id };
  const [source, target] = from.side === "output" ? [near, far] : [far, near];
  return { source: source.node, sourceHandle: source.port, target: target.node, targetHandle: target.port };
}

/** Say why, for as long as the pointer is over a port that refuses; called once, in the canvas's setup. */
export function watchRefusals() {
  watch(
    () => flow.connectionEndHandle.value && `${flow.connectionEndHandle.value.nodeId} ${flow.connectionEndHandle.value.id}`,
    async () => {
      const connection = candidate();
      ui.refusal = null;
      if (!connection) return;
      const text = await reasonAgainst(connection);
      if (text && ui.connecting && sameWire(candidate(), connection)) ui.refusal = { text };
    },
  );
}

const sameWire = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export async function onConnectEnd(event) {
  const connection = candidate();
  const from = ui.connecting;
  // A touch is told of where it began, wherever it ends.
  const point = event?.changedTouches?.[0] ?? event;
  const under = event?.changedTouches ? document.elementFromPoint(point.clientX, point.clientY) : event?.target;
  const onNothing = !flow.connectionEndHandle.value && isBare(under);
  ui.connecting = null;
  ui.refusal = null;
  if (connection) {
    const reason = await reasonAgainst(connection);
    if (reason) refuse(reason, connection);
    else connectWire(connection.source, connection.sourceHandle, connection.target, connection.targetHandle);
  } else if (onNothing && from) {
    openPalette({ x: point.clientX, y: point.clientY }, from);
  }
}

/** Say why not; where a node in between would do, offer it. */
async function refuse(reason, connection) {
  const way = await wayFor(connection);
  const insert = () => {
    const id = putBetween(connection, way);
    requestAnimationFrame(() => select([id]));
  };
  say(reason, "warning", way && { label: wayText(way), perform: insert });
}

// Taking hold of a wire's end: dropped on another input it goes there, dropped on nothing it is gone.
let updated = false;
export function onEdgeUpdateStart({ edge }) {
  updated = false;
  const wire = wireOf(edge.id);
  const type = outputOf(nodeOf(wire.source).type, wire.output)?.type ?? "Scalar";
  ui.connecting = { node: wire.source, port: wire.output, side: "output", type, accepts: [] };
}
export async function onEdgeUpdate({ edge, connection }) {
  updated = true;
  const reason = await reasonAgainst(connection);
  if (reason) return refuse(reason, connection);
  disconnect([edge.id]);
  connectWire(connection.source, connection.sourceHandle, connection.target, connection.targetHandle);
}
export function onEdgeUpdateEnd({ edge }) {
  if (!updated) disconnect([edge.id]);
}
