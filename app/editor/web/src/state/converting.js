// A wire between types that do not fit: the nodes that make one of the other, and putting one in between.
import { catalogue, declarationOf, fits, inputOf, outputOf } from "./catalogue.js";
import { isModel } from "../canvas/sockets.js";
import { edit } from "./document.js";
import { freshId, layoutOf, nodeIds, nodeOf, putWire } from "./graph.js";

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

/** Put a node into a wire that would not fit without it; a model that it needs is wired where the workflow has just one. */
export function putBetween({ source, sourceHandle, target, targetHandle }, { declaration, input, output }) {
  const id = freshId(declaration.type);
  const [from, to] = [layoutOf(source), layoutOf(target)];
  const models = nodeIds().flatMap((node) => declarationOf(nodeOf(node).type).outputs.map((port) => ({ node, port })));
  edit(`Insert ${declaration.label}`, (change) => {
    change.put(`node:${id}`, { type: declaration.type, version: declaration.version, params: {} });
    change.put(`layout:${id}`, { x: Math.round((from.x + to.x) / 2), y: Math.round((from.y + to.y) / 2) + 48 });
    putWire(change, source, sourceHandle, id, input);
    putWire(change, id, output, target, targetHandle);
    for (const port of declaration.inputs.filter((each) => isModel(each.type) && !each.optional)) {
      const found = models.filter((each) => each.port.type === port.type);
      if (found.length === 1) putWire(change, found[0].node, found[0].port.name, id, port.name);
    }
  });
  return id;
}
