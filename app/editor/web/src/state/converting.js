// A wire between types that do not fit: the nodes that make one of the other, and putting one in between.
import { catalogue, declarationOf, fits, inputOf, outputOf } from "./catalogue.js";
import { isModel } from "../canvas/sockets.js";
import { edit, session } from "./document.js";
import { freshId, layoutOf, nodeIds, nodeOf, putWire, wireInto } from "./graph.js";
import { runId, specOf } from "./scope.js";
import { request } from "./server.js";

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

/** The same where a number has decimals, or stands between the steps, of a setting that takes whole ones: what rounds it. */
export function roundingFor({ source, sourceHandle, target, targetHandle }) {
  const value = outputOf(nodeOf(source)?.type, sourceHandle)?.type === "Scalar" ? Number(specOf(source, sourceHandle)) : NaN;
  const widget = declarationOf(nodeOf(target)?.type).widgets.find((each) => each.name === targetHandle);
  if (!Number.isFinite(value) || widget?.type !== "int") return null;
  const { lo = 0, step = 1, free } = widget;
  const by = free || lo % step ? 1 : step;
  if (Number.isInteger(value / by)) return null;
  return { declaration: declarationOf("calculate"), input: "number", output: "scalar", params: { operation: "round", by }, size: "round it" };
}

/** The same where sizes alone stand in the way, which the server tries out: a resize, in this wire or in `into`, another. */
export async function resizeFor({ source, sourceHandle, target, targetHandle }) {
  const query = new URLSearchParams({ source: `${runId(source)}.${sourceHandle}`, target: `${runId(target)}.${targetHandle}` });
  const found = await request(`/api/workflows/${encodeURIComponent(session.name)}/resize?${query}`).catch(() => null);
  if (!found?.into) return null;
  const { into, width, height } = found;
  return { declaration: declarationOf("resize"), input: "clip", output: "clip", params: { width, height }, into, size: `${width} × ${height}` };
}

/** Put a node into a wire that would not fit without it; a model that it needs is wired where the workflow has just one. */
export function putBetween({ source, sourceHandle, target, targetHandle }, { declaration, input, output, params = {}, into = [target, targetHandle] }) {
  const id = freshId(declaration.type);
  const here = into[0] === target && into[1] === targetHandle;
  const fed = here ? [source, sourceHandle] : wireInto(...into).from;
  const [from, to] = [layoutOf(fed[0]), layoutOf(into[0])];
  const models = nodeIds().flatMap((node) => declarationOf(nodeOf(node).type).outputs.map((port) => ({ node, port })));
  edit(`Insert ${declaration.label}`, (change) => {
    change.put(`node:${id}`, { type: declaration.type, version: declaration.version, params });
    change.put(`layout:${id}`, { x: Math.round((from.x + to.x) / 2), y: Math.round((from.y + to.y) / 2) + 48 });
    putWire(change, ...fed, id, input);
    putWire(change, id, output, ...into);
    if (!here) putWire(change, source, sourceHandle, target, targetHandle);
    for (const port of declaration.inputs.filter((each) => isModel(each.type) && !each.optional)) {
      const found = models.filter((each) => each.port.type === port.type);
      if (found.length === 1) putWire(change, found[0].node, found[0].port.name, id, port.name);
    }
  });
  return id;
}
