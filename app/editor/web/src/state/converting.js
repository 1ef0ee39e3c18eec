// A wire between types that do not fit: the nodes that make one of the other, and putting one in between.
import { catalogue, declarationOf, fits, inputOf, outputOf } from "./catalogue.js";
import { isModel } from "../canvas/sockets.js";
import { edit, session } from "./document.js";
import { freshId, layoutOf, nodeIds, nodeOf, putWire, wireInto } from "./graph.js";
import { runId } from "./scope.js";
import { request } from "./server.js";
import { typesFit } from "./wiring.js";

/** The node to offer for a wire {source, sourceHandle, target, targetHandle}, with its ports: {declaration, input, output}; or null. */
export function converterFor({ source, sourceHandle, target, targetHandle }) {
  const type = outputOf(nodeOf(source)?.type, sourceHandle)?.type;
  const end = inputOf(nodeOf(target)?.type, targetHandle);
  if (!type || !end || fits(type, end)) return null;
  const ways = Object.values(catalogue.nodes).flatMap((declaration) => {
    const input = declaration.inputs.find((port) => port.type === type);
    const output = declaration.outputs.find((port) => fits(port.type, end));
    return input && output ? [{ declaration, input: input.name, output: output.name }] : [];
  });
  // The one that asks for the least beside.
  const asks = ({ declaration, input }) => declaration.inputs.filter((port) => !port.optional && port.name !== input).length;
  return ways.sort((a, b) => asks(a) - asks(b))[0] ?? null;
}

/** What mends the error of a node, or lets a wire be, where a number is at fault, which the server tries out: others for settings, or a node. */
export async function mendFor(asked) {
  const found = await request(`/api/workflows/${encodeURIComponent(session.name)}/mend?${new URLSearchParams(asked)}`).catch(() => null);
  if (!found?.label) return null;
  const { insert, ...rest } = found;
  return insert ? { ...rest, ...insert, declaration: declarationOf(insert.type) } : rest;
}

/** The same where sizes alone stand in the way, which the server tries out: a resize, in this wire or in `into`, another. */
export async function resizeFor(connection) {
  const query = new URLSearchParams(endsOf(connection));
  const found = await request(`/api/workflows/${encodeURIComponent(session.name)}/resize?${query}`).catch(() => null);
  if (!found?.into) return null;
  const { into, width, height } = found;
  return { declaration: declarationOf("resize"), input: "clip", output: "clip", params: { width, height }, into, size: `${width} × ${height}` };
}

/** A node that lets a wire be that would not be without it, by whichever way there is; null where none does. */
export async function wayFor(connection) {
  return converterFor(connection) ?? (typesFit(connection) ? ((await mendFor(endsOf(connection))) ?? (await resizeFor(connection))) : null);
}
/** "Insert Resize to 256 × 256" */
export const wayText = (way) => way.label ?? [`Insert ${way.declaration.label}`, way.size && `to ${way.size}`].filter(Boolean).join(" ");

const endsOf = ({ source, sourceHandle, target, targetHandle }) => ({ source: `${runId(source)}.${sourceHandle}`, target: `${runId(target)}.${targetHandle}` });

/** Make a wire, if there is one yet to be made, in the way that was found: with other numbers, or with a node in between. The id of what changed. */
export function putBetween(connection, way) {
  if (!way.changes?.length) return putInto(connection, way);
  edit(way.label, (change) => {
    for (const [id, setting, value] of way.changes) change.put(`node:${id}`, { ...nodeOf(id), params: { ...nodeOf(id).params, [setting]: value } });
    if (connection) putWire(change, connection.source, connection.sourceHandle, connection.target, connection.targetHandle);
  });
  return way.changes[0][0];
}

/** Put a node into a wire that would not fit without it; a model that it needs is wired where the workflow has just one. */
function putInto(connection, { declaration, input, output, params = {}, into = [connection.target, connection.targetHandle] }) {
  const id = freshId(declaration.type);
  const { source, sourceHandle, target, targetHandle } = connection ?? {};
  const here = into[0] === target && into[1] === targetHandle;
  const fed = here ? [source, sourceHandle] : wireInto(...into).from;
  const [from, to] = [layoutOf(fed[0]), layoutOf(into[0])];
  const models = nodeIds().flatMap((node) => declarationOf(nodeOf(node).type).outputs.map((port) => ({ node, port })));
  edit(`Insert ${declaration.label}`, (change) => {
    change.put(`node:${id}`, { type: declaration.type, version: declaration.version, params });
    change.put(`layout:${id}`, { x: Math.round((from.x + to.x) / 2), y: Math.round((from.y + to.y) / 2) + 48 });
    putWire(change, ...fed, id, input);
    putWire(change, id, output, ...into);
    if (connection && !here) putWire(change, source, sourceHandle, target, targetHandle);
    for (const port of declaration.inputs.filter((each) => isModel(each.type) && !each.optional)) {
      const found = models.filter((each) => each.port.type === port.type);
      if (found.length === 1) putWire(change, found[0].node, found[0].port.name, id, port.name);
    }
  });
  return id;
}
