// Groups that are kept in the workspace, to be used in every workflow. Each is a file like any workflow, of one node that
// stands for the group.
import { catalogue, declarationOf } from "./catalogue.js";
import { definitions } from "./definitions.js";
import { nodeOf } from "./graph.js";
import { say } from "./messages.js";
import { ask } from "./ui.js";

export const keptType = (name) => `kept:${name}`;

export const loadKept = () => call("GET");

/** Ask for a name and keep the group that a node stands for under it; a name that is taken is written over. */
export async function keepGroup(id) {
  const { type } = nodeOf(id);
  const name = await ask("Save to the library as", declarationOf(type).label);
  if (!name) return;
  const records = definitions([type]);
  const labelled = { ...records, [type]: { ...records[type], label: name } };
  if (await call("PUT", { name, type, records: labelled })) say(`${name} is in the node library now.`);
}

export const dropKept = (name) => call("DELETE", { name });

/** Do something with the kept groups; all of them come back. */
async function call(method, body) {
  const response = await fetch("/api/groups", {
    method,
    headers: { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) return say(answer.detail, "error");
  catalogue.kept = Object.fromEntries(answer.map((group) => [keptType(group.name), { ...group, key: keptType(group.name) }]));
  return answer;
}
