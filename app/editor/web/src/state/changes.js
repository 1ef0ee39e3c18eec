// What changed between two states of the document, as the canvas and the list of versions show it.
import { declarationOf, inputOf } from "./catalogue.js";

/** Whether two values of JSON say the same, in whatever order their keys stand. */
export function same(a, b) {
  if (a === b) return true;
  if (!a || !b || typeof a !== "object" || typeof b !== "object" || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a).filter((key) => a[key] !== undefined);
  return keys.length === Object.keys(b).filter((key) => b[key] !== undefined).length && keys.every((key) => same(a[key], b[key]));
}

const idOf = (key) => key.slice(key.indexOf(":") + 1);

/** The records of one item (a node, a frame or a note) in a state of the document. */
export const itemIn = (records, id) => ({ node: records.get(`node:${id}`), layout: records.get(`layout:${id}`) });

/** What an item is called, by its records. */
export function nameOf({ node, layout }) {
  if (layout?.title) return layout.title;
  return node ? declarationOf(node.type).label : { frame: "Frame", note: "Note" }[layout?.kind];
}

/**
 * Both states are Maps of records. items: [{id, kind: "added" | "removed" | "changed", rows: [{label, from, to}]}];
 * wires: [{kind, from, to}] with [node, port] ends; moved: how many items stand elsewhere.
 */
export function changesBetween(old, now) {
  const items = [];
  let moved = 0;
  for (const id of new Set([...itemIds(old), ...itemIds(now)])) {
    const [before, after] = [itemIn(old, id), itemIn(now, id)];
    if (!isThere(before)) items.push({ id, kind: "added", rows: [] });
    else if (!isThere(after)) items.push({ id, kind: "removed", rows: [] });
    else if (!same(essence(before), essence(after))) items.push({ id, kind: "changed", rows: rowsOf(before, after) });
    else if (before.layout?.x !== after.layout?.x || before.layout?.y !== after.layout?.y) moved += 1;
  }
  return { items, wires: changedWires(old, now), moved };
}

/** How the settings of a node differ, in words: [{label, from, to}]; a setting that was never made is at its default. */
export function settingRows(type, before = {}, after = {}) {
  const { widgets } = declarationOf(type);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .map((name) => {
      const widget = widgets.find((each) => each.name === name);
      const value = (params) => params[name] ?? widget?.default;
      return { label: widget?.label ?? name, from: value(before), to: value(after) };
    })
    .filter(({ from, to }) => !same(from, to));
}

/** A setting, short enough for a list. */
export function valueText(value) {
  if (value === undefined || value === null || value === "") return "nothing";
  if (typeof value === "boolean") return value ? "on" : "off";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 78)}…` : text;
}

const itemIds = (records) => [...records].filter(([key, record]) => key.startsWith("node:") || (key.startsWith("layout:") && record?.kind)).map(([key]) => idOf(key));
const isThere = ({ node, layout }) => Boolean(node || layout?.kind);

/** What of an item means something: not where it stands. */
function essence({ node, layout = {} }) {
  const { x, y, width, height, collapsed, pinned, ...said } = layout;
  return [node?.type, node?.params ?? {}, node?.mode ?? null, said];
}

function rowsOf(before, after) {
  const rows = settingRows((after.node ?? before.node)?.type, before.node?.params, after.node?.params);
  const mode = ({ node }) => ({ mute: "muted", bypass: "bypassed" })[node?.mode] ?? "runs";
  if (mode(before) !== mode(after)) rows.push({ label: "Set aside", from: mode(before), to: mode(after) });
  for (const [part, label] of [["title", "Name"], ["text", "Text"], ["tint", "Colour"]]) {
    const [from, to] = [before.layout?.[part], after.layout?.[part]];
    if (from !== to) rows.push({ label, from, to });
  }
  return rows;
}

function changedWires(old, now) {
  const wires = [];
  for (const key of new Set([...old.keys(), ...now.keys()])) {
    if (!key.startsWith("wire:")) continue;
    const [before, after] = [old.get(key), now.get(key)];
    if (same(before?.from, after?.from)) continue;
    if (before) wires.push({ kind: "removed", from: before.from, to: before.to });
    if (after) wires.push({ kind: "added", from: after.from, to: after.to });
  }
  return wires;
}

/** A wire in words: "Prompt → Sampler, guidance". The name of an end that is gone comes from the state it was in. */
export function wireText({ from, to }, ...states) {
  const name = (id) => states.map((records) => nameOf(itemIn(records, id))).find(Boolean) ?? id;
  const type = states.map((records) => records.get(`node:${to[0]}`)?.type).find(Boolean);
  return `${name(from[0])} → ${name(to[0])}, ${(inputOf(type, to[1])?.label ?? to[1]).toLowerCase()}`;
}

