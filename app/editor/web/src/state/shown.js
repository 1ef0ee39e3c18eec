// What a group shows outside of what is in it: its ports and widgets. An end is a node inside and its port or widget.
import { edit, records } from "./document.js";
import { faceRecord, usesOf } from "./definitions.js";
import { layoutOf, nodeOf, putWire, setLayout, titleOf } from "./graph.js";
import { groupAt, groupType, localOf, scopeOf } from "./scope.js";
import { unique } from "./unique.js";

const PARTS = { input: "inputs", output: "outputs", widget: "widgets" };
export const sameEnd = (a, b) => a[0] === b[0] && a[1] === b[1];
export const endsIn = (part, ends) => (part === "inputs" ? ends : [ends]);

/** "input" or "widget": which of them a group's port to the left is. */
export const inputSide = (group, name) => (name in (faceRecord(group)?.widgets ?? {}) ? "widget" : "input");

/** What the group shows a port or a widget inside as, or null. side: "input" | "output" | "widget" */
export function shownAs(id, side, name) {
  const face = scopeOf(id) && faceRecord(scopeOf(id));
  if (!face) return null;
  const [end, part] = [[localOf(id), name], PARTS[side]];
  return Object.entries(face[part] ?? {}).find(([, ends]) => endsIn(part, ends).some((each) => sameEnd(each, end)))?.[0] ?? null;
}

/** Show a port or a widget inside on the group, or take it off again. */
export function toggleShown(id, side, name) {
  const group = scopeOf(id);
  const face = faceRecord(group);
  const part = PARTS[side];
  const as = shownAs(id, side, name);
  const end = [localOf(id), name];
  edit(as === null ? "Show on the group" : "Take off the group", (change) => {
    const { [as]: ends, ...rest } = face[part] ?? {};
    const others = as === null ? [] : endsIn(part, ends).filter((each) => !sameEnd(each, end));
    if (as !== null) return show(change, group, { ...face, [part]: others.length ? { ...rest, [as]: others } : rest });
    const taken = new Set(side === "output" ? Object.keys(face.outputs ?? {}) : Object.keys({ ...face.inputs, ...face.widgets }));
    show(change, group, { ...face, [part]: { ...face[part], [unique(name, taken)]: side === "input" ? [end] : end } });
  });
}

/** Call a port or widget of a group something else, everywhere. */
export function renameShown(group, side, name, wanted) {
  const face = faceRecord(group);
  const part = PARTS[side];
  const others = side === "output" ? face.outputs : { ...face.inputs, ...face.widgets };
  const now = unique(wanted.replaceAll(".", " ").slice(0, 90), new Set(Object.keys(others).filter((each) => each !== name)));
  if (now === name) return;
  const entries = Object.entries(face[part]).map(([port, ends]) => [port === name ? now : port, ends]);
  edit("Rename on the group", (change) => {
    show(change, group, { ...face, [part]: Object.fromEntries(entries) }, { [side === "output" ? "outputs" : "inputs"]: { [name]: now } });
  });
}

export function renameGroup(name, label) {
  if (label.trim()) edit("Rename the group", (change) => change.put(groupType(name), { ...faceRecord(name), label: label.trim() }));
}

/** Call a node something else: a group by its own name, for all that stand for it, unless this one has a name to itself. */
export function renameNode(id, title) {
  if (title === titleOf(id)) return;
  const group = groupAt(id);
  if (group === null || layoutOf(id).title) setLayout(id, { title: title.trim() || undefined }, "Rename");
  else renameGroup(group, title);
}

/** Give a group another face, and take away the wires that led to what it shows no longer. */
export function show(change, name, face, renamed = {}) {
  const before = faceRecord(name);
  const has = (part, port) => port in (face[part] ?? {});
  for (const use of usesOf(name)) {
    for (const key of records.keys()) {
      if (!key.startsWith("wire:")) continue;
      const { from, to, ...more } = records.get(key);
      const port = from[0] === use ? from[1] : to[0] === use ? to[1] : null;
      if (port === null) continue;
      const known = from[0] === use ? has("outputs", port) : has("inputs", port) || has("widgets", port);
      const now = renamed[from[0] === use ? "outputs" : "inputs"]?.[port];
      if (known) continue;
      if (!now || to[0] === use) change.remove(key);
      if (now) putWire(change, ...(from[0] === use ? [use, now, ...to] : [...from, use, now]), more);
    }
    const params = Object.entries(nodeOf(use).params ?? {}).map(([param, value]) => [renamed.inputs?.[param] ?? param, value]);
    const kept = Object.fromEntries(params.filter(([param]) => has("widgets", param) || !(param in (before.widgets ?? {}))));
    if (params.length) change.put(`node:${use}`, { ...nodeOf(use), params: kept });
  }
  change.put(groupType(name), face);
}

/** A face with every end inside led elsewhere: by part, what one end becomes; a port that leads nowhere then is gone. */
export function faceBy(face, lead) {
  const made = { ...face };
  for (const part of ["inputs", "outputs", "widgets"]) {
    const led = Object.entries(face[part] ?? {}).map(([port, ends]) => [port, endsIn(part, ends).flatMap(lead[part])]);
    made[part] = Object.fromEntries(led.filter(([, ends]) => ends.length).map(([port, ends]) => [port, part === "inputs" ? ends : ends[0]]));
  }
  return made;
}
