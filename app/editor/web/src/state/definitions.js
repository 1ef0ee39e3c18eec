// The groups that a document has, and those that come in from elsewhere: the clipboard, or what is kept in the workspace.
import { catalogue, declarationOf } from "./catalogue.js";
import { records } from "./document.js";
import { idOf, putWire } from "./graph.js";
import { groupAt, groupNameOf, groupType, localOf, scope, scopeOf, trail, within } from "./scope.js";
import { freshName } from "./unique.js";

const KINDS = ["node", "wire", "layout"];
export const groupNames = (from = records) => [...from.keys()].filter((key) => key.startsWith("group:")).map(idOf);
export const faceRecord = (name) => records.get(groupType(name));

/** The keys of all that is inside of a group. */
export const inside = (name, from = records) => [...from.keys()].filter((key) => KINDS.some((kind) => key.startsWith(`${kind}:${name}:`)));
/** All nodes that stand for a group, wherever they are. */
export const usesOf = (name) => [...records.keys()].filter((key) => key.startsWith("node:") && records.get(key).type === groupType(name)).map(idOf);

/** The nodes to enter to come into a group, from the outermost: those of the trail where it leads there; null if none does. */
export function trailTo(name, deep = 0) {
  if (!name) return [];
  const at = trail.value.findIndex((id) => groupAt(id) === name);
  if (at >= 0) return trail.value.slice(0, at + 1);
  for (const use of deep > 99 ? [] : usesOf(name)) {
    const before = trailTo(scopeOf(use), deep + 1);
    if (before) return [...before, use];
  }
  return null;
}

/** Does a group hold another, however deep, or is it that one? */
export function holds(name, other, from = records) {
  if (name === other) return true;
  const held = inside(name, from).filter((key) => key.startsWith("node:")).map((key) => groupNameOf(from.get(key).type));
  return held.some((each) => each !== null && holds(each, other, from));
}

/** The groups that can be used as nodes here: those of the workflow but the ones that this would be inside of, and those kept. */
export function offeredGroups() {
  const here = groupNames().filter((name) => !scope.value || !holds(name, scope.value));
  return [...here.map(groupType), ...Object.keys(catalogue.kept)].map(declarationOf);
}

/** The groups that nodes of these types need, with all that is in them, as records. */
export function definitions(types, from = records) {
  const found = {};
  const add = (name) => {
    if (name === null || !from.has(groupType(name)) || groupType(name) in found) return;
    for (const key of [groupType(name), ...inside(name, from)]) found[key] = from.get(key);
    for (const key of inside(name, from)) if (key.startsWith("node:")) add(groupNameOf(from.get(key).type));
  };
  types.map(groupNameOf).forEach(add);
  return found;
}

/** Put groups from elsewhere into the document, as part of an edit; returns what their types are called here.
    same: they are of this document, so what is there by their name is meant, whatever became of it. */
export function bringIn(change, brought, same = false) {
  const from = new Map(Object.entries(brought));
  const names = groupNames(from);
  const whole = (name, records) => JSON.stringify(Object.entries(definitions([groupType(name)], records)).sort());
  const kept = names.filter((name) => records.has(groupType(name)) && (same || whole(name, from) === whole(name)));
  const taken = new Set(groupNames());
  const called = new Map(names.map((name) => [name, records.has(groupType(name)) && !kept.includes(name) ? freshName(name, taken) : name]));
  const here = (id) => within(called.get(scopeOf(id)), localOf(id));
  const typed = (node) => ({ ...node, type: typeHere(node.type) });
  const typeHere = (type) => (called.has(groupNameOf(type)) ? groupType(called.get(groupNameOf(type))) : type);
  for (const [key, record] of from) {
    const [kind, id] = [key.slice(0, key.indexOf(":")), idOf(key)];
    if (kept.includes(kind === "group" ? id : scopeOf(id))) continue;
    if (kind === "group") change.put(groupType(called.get(id)), record);
    else if (!KINDS.includes(kind) || !called.has(scopeOf(id))) continue;
    else if (kind === "wire") putWire(change, here(record.from[0]), record.from[1], here(record.to[0]), record.to[1], record);
    else change.put(`${kind}:${here(id)}`, kind === "node" ? typed(record) : record);
  }
  return typeHere;
}
