// Where the canvas is: in the workflow itself, or inside of a group. Ids inside of a group begin with its name and a
// colon ("look:blur"); in a run each use of the group has nodes of its own ("look_2/blur"), and what the page shows of
// them is of the use that was entered.
import { computed, shallowRef } from "vue";
import { problems, records, specs, startRun } from "./document.js";
import { nodeStates } from "./run.js";

const GROUP = "group:";
/** The name of the group that a node of that type stands for, or null. */
export const groupNameOf = (type) => (type?.startsWith(GROUP) ? type.slice(GROUP.length) : null);
export const groupType = (name) => `${GROUP}${name}`;
/** The name of the group that a node stands for and that is there, or null. */
export function groupAt(id) {
  const name = groupNameOf(records.get(`node:${id}`)?.type);
  return name !== null && records.has(groupType(name)) ? name : null;
}

/** The nodes that were entered, from the outermost. */
export const trail = shallowRef([]);
/** The name of the group that the canvas is inside of; "" in the workflow itself. */
export const scope = computed(() => groupAt(trail.value.at(-1)) ?? "");

export const scopeOf = (id) => (id.includes(":") ? id.slice(0, id.indexOf(":")) : "");
/** An id as it is called inside of its group. */
export const localOf = (id) => id.slice(id.indexOf(":") + 1);
export const within = (group, id) => (group ? `${group}:${id}` : id);
export const inScope = (id) => scopeOf(id) === scope.value;

/** What a node on the canvas is called in a run. */
export const runId = (id) => (scopeOf(id) ? [...trail.value, id].map(localOf).join("/") : id);

/** Run some nodes of the canvas, or all. more: see `startRun`. */
export const runNodes = (ids = null, more = {}) => startRun(ids && ids.map(runId), more);

// What is known of a node on the canvas, of its use that was entered.
export const stateOf = (id) => nodeStates.get(runId(id));
export const foundIn = (id) => problems.get(runId(id)) ?? [];
export const specOf = (id, output) => specs.get(`${runId(id)}.${output}`);

const isUse = (id, place) => inScopeAt(id, place) && groupAt(id) !== null;
const inScopeAt = (id, place) => scopeOf(id) === (place ? groupAt(place) : "");

/** Go as far inside as the trail still leads: someone may have taken a group away. True if it was shortened. */
export function shorten() {
  const broken = trail.value.findIndex((id, at) => !isUse(id, trail.value[at - 1]));
  if (broken >= 0) trail.value = trail.value.slice(0, broken);
  return broken >= 0;
}
