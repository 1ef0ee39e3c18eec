// What comes in by the clipboard: text that copyText made, here or long ago.
import { declarationOf } from "./catalogue.js";
import { idOf } from "./graph.js";
import { groupType, scopeOf } from "./scope.js";
import { request } from "./server.js";

/** The nodes, wires and groups that a text holds; null if it is some other text. */
export function parseClip(text) {
  try {
    const clip = JSON.parse(text);
    return clip?.format === "patchloom/clip" && Object.keys({ ...clip.nodes, ...clip.layout }).length ? clip : null;
  } catch {
    return null;
  }
}

/** The same with what older versions wrote as it is written now, which the server knows; null where it refuses. */
export async function upToDate(clip) {
  const { nodes = {}, layout = {}, wires = [], groups = {} } = clip;
  const all = [...Object.values(nodes), ...Object.keys(groups).filter((key) => key.startsWith("node:")).map((key) => groups[key])];
  if (!all.some((node) => node.version < declarationOf(node.type).version)) return clip;
  const keyed = (kind, found) => Object.entries(found).map(([id, record]) => [`${kind}:${id}`, record]);
  const joined = wires.map(({ source, output, target, input }) => [`wire:${target}.${input}`, { from: [source, output], to: [target, input] }]);
  const records = { ...groups, ...Object.fromEntries([...keyed("node", nodes), ...keyed("layout", layout), ...joined]) };
  // While the server is away they come in as they are, which loses nothing.
  const made = await request("/api/upgrades", "POST", { records }).catch(() => records);
  if (!made) return null;
  const inGroup = (key) => key.startsWith("group:") || groupType(scopeOf(idOf(key))) in groups;
  const own = (kind) => Object.keys(made).filter((key) => key.startsWith(`${kind}:`) && !inGroup(key));
  const byId = (kind) => Object.fromEntries(own(kind).map((key) => [idOf(key), made[key]]));
  return {
    ...clip,
    nodes: byId("node"),
    layout: byId("layout"),
    wires: own("wire").map((key) => ({ source: made[key].from[0], output: made[key].from[1], target: made[key].to[0], input: made[key].to[1] })),
    groups: Object.fromEntries(Object.entries(made).filter(([key]) => inGroup(key))),
  };
}
