// The viewer: a result large, or two of them over each other.
import { wireOf } from "./graph.js";
import { say } from "./messages.js";
import { runNodes, stateOf } from "./scope.js";
import { ui } from "./ui.js";

const hasResult = (id) => Boolean(stateOf(id)?.views?.length);

/** Show a node's result; again closes it. */
export function view(id) {
  if (ui.viewer?.a === id && !ui.viewer.b && !ui.viewer.output) ui.viewer = null;
  else ui.viewer = { a: id, b: null, mode: "slide" };
}

/** Show what flows in a wire: of what gives it, as much runs as there is need to. */
export function viewWire(key) {
  const { source, output } = wireOf(key);
  ui.viewer = { a: source, output, b: null, mode: "slide" };
  if (!["fresh", "cached", "queued", "running"].includes(stateOf(source)?.status)) runNodes([source]);
}

/** Two selected nodes against each other; one against the one that is in the viewer already. */
export function compare(ids) {
  const [a, b] = ids.length > 1 ? ids : [ui.viewer?.a, ids[0]];
  if (!a || a === b) return say("Select two nodes to compare, or one while another is in the viewer.");
  if (!hasResult(a) || !hasResult(b)) return say("One of them has no result yet; run it first.");
  ui.viewer = { a, b, mode: ui.viewer?.mode ?? "slide" };
}
