// Branching: a node that goes on from a step of a sampler's trajectory, with the sampler's own model, text and guidance.
import { catalogue, declarationOf } from "./catalogue.js";
import { edit } from "./document.js";
import { freshId, layoutOf, nodeOf, wireInto } from "./graph.js";
import { fit, flow, select, sizeOf } from "./view.js";

const TYPE = "branch";
const GAP = 56;

export const canBranch = (id, output) => Boolean(catalogue.nodes[TYPE] && nodeOf(id) && output);

/** Put a branch node beside the node whose output is a trajectory, `step` steps of which stay as they were. */
export function branchFrom(id, output, step) {
  const { inputs, widgets, version } = declarationOf(TYPE);
  const before = nodeOf(id);
  const fresh = freshId(TYPE);
  const kept = widgets.filter(({ name }) => name === "guidance" && before.params && name in before.params);
  const params = { ...Object.fromEntries(kept.map(({ name }) => [name, before.params[name]])), step };
  const node = flow.findNode(id);
  const { x, y } = layoutOf(id);
  const room = node ? sizeOf(node) : { width: 280, height: 180 };
  edit(`Branch from step ${step}`, (change) => {
    change.put(`node:${fresh}`, { type: TYPE, version, params });
    change.put(`layout:${fresh}`, { x: Math.round(x), y: Math.round(y + room.height + GAP) });
    for (const { name, type } of inputs) {
      const from = type === "Trajectory" ? [id, output] : wireInto(id, name)?.from;
      if (from) change.put(`wire:${fresh}.${name}`, { from, to: [fresh, name] });
    }
  });
  requestAnimationFrame(() => {
    select([fresh]);
    fit([id, fresh].map((each) => flow.findNode(each)));
    flow.vueFlowRef.value.focus({ preventScroll: true });
  });
}
