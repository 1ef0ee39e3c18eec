// Settings of a node type, kept under a name in the workspace: {type: {name: params}}.
import { shallowReactive } from "vue";
import { declarationOf } from "./catalogue.js";
import { nodeOf } from "./graph.js";
import { say } from "./messages.js";
import { replaceParams } from "./params.js";
import { ask } from "./ui.js";

const presets = shallowReactive({});

/** [name, params] of those for a node type. */
export const presetsOf = (type) => Object.entries(presets[type] ?? {});

export const loadPresets = () => call("GET");

/** Ask for a name and keep the node's settings under it; a name that is taken is written over. */
export async function keepPreset(id) {
  const { type, version, params } = nodeOf(id);
  const name = await ask(`Keep the settings of ${declarationOf(type).label} as`, "");
  if (name && (await call("PUT", { type, version, name, params: params ?? {} }))) say(`Kept as ${name}; it is in the node’s menu.`);
}

export const applyPreset = (ids, name, params) => replaceParams(ids, params, `Apply ${name}`);
export const dropPreset = (type, name) => call("DELETE", { type, name });

/** Do something with the presets; all of them come back. */
async function call(method, body) {
  const response = await fetch("/api/presets", {
    method,
    headers: { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) return say(answer.detail, "error");
  for (const type of Object.keys(presets)) if (!(type in answer)) delete presets[type];
  return Object.assign(presets, answer);
}
