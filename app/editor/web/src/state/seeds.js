// Seeds that change by themselves: before a run, one that has run is counted up or drawn anew, where that was asked for.
// So the first run takes what was typed, and what stands on the node is what made the result below it.
import { declarationOf } from "./catalogue.js";
import { inside } from "./definitions.js";
import { edit, records, startRun } from "./document.js";
import { idOf, layoutOf, nodeOf, paramOf, setLayouts } from "./graph.js";
import { groupAt, runId } from "./scope.js";

const LARGEST = 2 ** 31;
export const drawn = () => Math.floor(Math.random() * LARGEST);

/** What a seed does on each run. */
export const HABITS = { keep: "stays the same", up: "counts up", new: "is drawn anew" };
export const habitOf = (id, name) => layoutOf(id).seeds?.[name] ?? "keep";

export function nextHabit(id, name, ids) {
  const order = Object.keys(HABITS);
  const habit = order[(order.indexOf(habitOf(id, name)) + 1) % order.length];
  setLayouts(ids, { seeds: { ...layoutOf(id).seeds, [name]: habit } }, `A seed that ${HABITS[habit]}`);
}

/** Run some nodes of the canvas, or all. more: see `startRun`. */
export function runWithSeeds(ids = null, more = {}) {
  turn(ids && behind(ids), more.count ?? 1);
  startRun(ids && ids.map(runId), more);
}

/** node.widget -> [seed, how many] of the last run that this page asked for */
const ran = new Map();

function turn(wanted, count) {
  const seeds = [...records].filter(([key, record]) => key.startsWith("layout:") && record.seeds).flatMap(([key, { seeds }]) => {
    const id = idOf(key);
    const widgets = nodeOf(id) && (!wanted || wanted.has(id)) ? declarationOf(nodeOf(id).type).widgets : [];
    return widgets.filter(({ name, kind }) => kind === "seed" && (seeds[name] ?? "keep") !== "keep" && !records.has(`wire:${id}.${name}`)).map((widget) => ({ id, widget, habit: seeds[widget.name] }));
  });
  const next = new Map();
  for (const { id, widget, habit } of seeds) {
    const [key, now] = [`${id}.${widget.name}`, paramOf(id, widget)];
    const [last, many] = ran.get(key) ?? [];
    const seed = last !== now ? now : habit === "up" ? (now + many) % LARGEST : drawn();
    ran.set(key, [seed, count]);
    if (seed !== now) next.set(id, { ...next.get(id), [widget.name]: seed });
  }
  if (!next.size) return;
  edit("New seeds", (change) => {
    for (const [id, params] of next) change.put(`node:${id}`, { ...nodeOf(id), params: { ...nodeOf(id).params, ...params } });
  });
}

/** Those nodes and all that they are made from, with what is in groups. */
function behind(ids) {
  const from = new Map();
  for (const [key, wire] of records) if (key.startsWith("wire:")) from.set(wire.to[0], [...(from.get(wire.to[0]) ?? []), wire.from[0]]);
  const found = new Set(ids);
  for (const id of found) {
    const within = groupAt(id) === null ? [] : inside(groupAt(id)).filter((key) => key.startsWith("node:")).map(idOf);
    for (const other of [...(from.get(id) ?? []), ...within]) found.add(other); // which grows meanwhile
  }
  return found;
}
