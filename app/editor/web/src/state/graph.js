// Reading and editing the graph in the editor's terms; every function here makes one undoable edit.
import { typeName } from "../canvas/sockets.js";
import { declarationOf, inputOf, outputOf } from "./catalogue.js";
import { edit, records, session } from "./document.js";
import { bringIn, definitions } from "./definitions.js";
import { forget } from "./groups.js";
import { foundIn, inScope, localOf, scope, within } from "./scope.js";

export const idOf = (key) => key.slice(key.indexOf(":") + 1);

/** The nodes on the canvas: those of the workflow itself, or of the group that it is inside of. */
export const nodeIds = () => [...records.keys()].filter((key) => key.startsWith("node:")).map(idOf).filter(inScope);
export const nodeOf = (id) => records.get(`node:${id}`);
export const layoutOf = (id) => records.get(`layout:${id}`) ?? { x: 0, y: 0 };
export const titleOf = (id) => layoutOf(id).title || (layoutOf(id).kind ?? declarationOf(nodeOf(id)?.type).label);

/** A wire as {source, output, target, input}; its key names where it ends, since an input holds one wire. */
export function wireOf(key) {
  const { from, to } = records.get(key);
  return { key, source: from[0], output: from[1], target: to[0], input: to[1] };
}

export const putWire = (change, source, output, target, input, more = {}) =>
  change.put(`wire:${target}.${input}`, { ...more, from: [source, output], to: [target, input] });

export const wireInto = (node, input) => records.get(`wire:${node}.${input}`);
export const wiresInto = (node) => [...records.keys()].filter((key) => key.startsWith(`wire:${node}.`)).map(wireOf);
export const wires = () => [...records.keys()].filter((key) => key.startsWith("wire:") && inScope(idOf(key))).map(wireOf);

export function wireType(wire) {
  return outputOf(nodeOf(wire.source)?.type, wire.output)?.type ?? inputOf(nodeOf(wire.target)?.type, wire.input)?.type;
}

/** What happens on a wire by itself, such as a number that goes into a text; "" where nothing does. */
export function conversionOf(wire) {
  const [from, to] = [wireType(wire), inputOf(nodeOf(wire.target)?.type, wire.input)?.type];
  return from && to && from !== to ? `${typeName(from)} becomes ${typeName(to)}, which loses nothing` : "";
}

/** What the check found on a node. An input that is not wired yet is work to do, not a fault. */
export function problemsOf(id) {
  const { inputs } = declarationOf(nodeOf(id)?.type);
  const open = (name) => inputs.some((port) => port.name === name) && !wireInto(id, name);
  return foundIn(id).map((found) => ({ ...found, level: open(found.port) ? "todo" : found.level }));
}

export function paramOf(id, widget) {
  return nodeOf(id)?.params?.[widget.name] ?? widget.default;
}

/** Add a node at a canvas position; `wire` joins it in the same edit: {source, output, input} or {target, input, output}. A setting that it ends in is a port from then on. */
export function addNode(type, position, wire = null, params = {}) {
  const { label, version, brings, widgets } = declarationOf(type);
  const ports = widgets.some((widget) => wire?.source && widget.name === wire.input) ? { ports: [wire.input] } : {};
  const id = freshId(brings ? localOf(brings.type) : localOf(type));
  edit(`Add ${label}`, (change) => {
    const typeHere = brings ? bringIn(change, brings.records)(brings.type) : type;
    change.put(`node:${id}`, { type: typeHere, version, params });
    change.put(`layout:${id}`, { x: Math.round(position.x), y: Math.round(position.y), ...ports });
    if (wire?.source) putWire(change, wire.source, wire.output, id, wire.input);
    if (wire?.target) putWire(change, id, wire.output, wire.target, wire.input);
  });
  return id;
}

export function connectWire(source, output, target, input) {
  edit("Connect", (change) => putWire(change, source, output, target, input));
}

export function disconnect(keys, label = "Disconnect") {
  edit(label, (change) => keys.forEach((key) => change.remove(key)));
}

export function removeNodes(ids, wireKeys = []) {
  const gone = new Set(ids);
  edit(ids.length ? `Delete ${ids.length === 1 ? titleOf(ids[0]) : `${ids.length} nodes`}` : "Disconnect", (change) => {
    for (const wire of wires()) if (gone.has(wire.source) || gone.has(wire.target)) change.remove(wire.key);
    wireKeys.forEach((key) => change.remove(key));
    for (const id of ids) change.remove(`node:${id}`).remove(`layout:${id}`);
    forget(change, ids);
  });
}

// A wire may be led round by points of the canvas, in order: `via` in its record.
const reroute = (key, via) => edit("Reroute", (change) => change.put(key, { ...records.get(key), via: via.map((point) => point.map(Math.round)) }));
const viaOf = (key) => records.get(key)?.via ?? [];
export const addVia = (key, at, point) => reroute(key, viaOf(key).toSpliced(at, 0, point));
export const moveVia = (key, at, point) => reroute(key, viaOf(key).with(at, point));
export const removeVia = (key, at) => reroute(key, viaOf(key).toSpliced(at, 1));
export const straighten = (key) => reroute(key, []);

/** Delete nodes; what came into one goes on to those that took its output of the same type. */
export function dissolveNodes(ids) {
  const gone = new Set(ids);
  const around = wires();
  const before = (source, output) => {
    for (let hops = 0; gone.has(source) && hops <= gone.size; hops++) {
      const { inputs, outputs } = declarationOf(nodeOf(source).type);
      const type = outputs.find((port) => port.name === output)?.type;
      const through = inputs.find((port) => port.type === type && wireInto(source, port.name));
      if (!through) return null;
      [source, output] = wireInto(source, through.name).from;
    }
    return gone.has(source) ? null : [source, output];
  };
  edit("Delete and reconnect", (change) => {
    for (const wire of around) {
      if (!gone.has(wire.source) && !gone.has(wire.target)) continue;
      const from = gone.has(wire.target) ? null : before(wire.source, wire.output);
      if (from) putWire(change, ...from, wire.target, wire.input);
      else change.remove(wire.key);
    }
    for (const id of ids) change.remove(`node:${id}`).remove(`layout:${id}`);
    forget(change, ids);
  });
}

/** The ports by which a node can be put into a wire: {input, output}; null if it fits nowhere, or is wired already. */
export function waysInto(key, id) {
  const wire = wireOf(key);
  const { inputs, outputs } = declarationOf(nodeOf(id)?.type);
  const type = outputOf(nodeOf(wire.source)?.type, wire.output)?.type;
  const end = inputOf(nodeOf(wire.target)?.type, wire.input);
  if (!type || !end || wire.source === id || wire.target === id) return null;
  const input = inputs.find((port) => port.accepts.includes(type) && !wireInto(id, port.name));
  const output = outputs.find((port) => end.accepts.includes(port.type));
  const fed = wires().some((each) => each.source === id);
  return input && output && !fed ? { input: input.name, output: output.name } : null;
}

/** Put a node into a wire, moved there in the same edit. */
export function insertInto(key, id, { input, output }, positions = []) {
  const wire = wireOf(key);
  edit(`Insert ${titleOf(id)}`, (change) => {
    putWire(change, wire.source, wire.output, id, input);
    putWire(change, id, output, wire.target, wire.input);
    for (const [moved, { x, y }] of positions) {
      change.put(`layout:${moved}`, { ...layoutOf(moved), x: Math.round(x), y: Math.round(y) });
    }
  });
}

export function moveNodes(positions, group = "", label = "Move") {
  edit(label, (change) => {
    for (const [id, { x, y }] of positions) {
      change.put(`layout:${id}`, { ...layoutOf(id), x: Math.round(x), y: Math.round(y) });
    }
  }, group);
}

export const setLayout = (id, values, label, group) => setLayouts([id], values, label, group);

export function setLayouts(ids, values, label, group) {
  edit(label, (change) => ids.forEach((id) => change.put(`layout:${id}`, { ...layoutOf(id), ...values })), group);
}

export const modeOf = (id) => nodeOf(id)?.mode ?? null;

/** Set nodes aside: "bypass" passes their input on, "mute" leaves them out, null has them run again. */
export function setMode(ids, mode) {
  const label = { bypass: "Bypass", mute: "Mute" }[mode] ?? "Set to run";
  edit(label, (change) => {
    for (const id of ids) {
      const { mode: _, ...node } = nodeOf(id);
      change.put(`node:${id}`, mode ? { ...node, mode } : node);
    }
  });
}

/** Nodes, the wires among them and the groups that they stand for, as text for the clipboard. */
export function copyText(ids) {
  const chosen = new Set(ids);
  const nodes = ids.filter(nodeOf);
  return JSON.stringify({
    format: "patchloom/clip",
    workflow: session.name,
    nodes: Object.fromEntries(nodes.map((id) => [id, nodeOf(id)])),
    layout: Object.fromEntries(ids.map((id) => [id, layoutOf(id)])),
    wires: wires().filter((wire) => chosen.has(wire.source) && chosen.has(wire.target)),
    groups: definitions(nodes.map((id) => nodeOf(id).type)),
  });
}

/** Paste what copyText gave, parsed, its corner at `position`; returns the new ids. */
export function pasteClip(clip, position) {
  const old = Object.keys({ ...clip.nodes, ...clip.layout });
  const spots = old.map((id) => clip.layout?.[id] ?? { x: 0, y: 0 });
  const left = Math.min(...spots.map((spot) => spot.x));
  const top = Math.min(...spots.map((spot) => spot.y));
  const taken = takenIds();
  const fresh = new Map(old.map((id) => [id, freshId(localOf(clip.nodes[id]?.type ?? clip.layout[id].kind ?? "note"), taken)]));
  edit(`Paste ${old.length === 1 ? "a node" : `${old.length} nodes`}`, (change) => {
    const typeHere = bringIn(change, clip.groups ?? {}, clip.workflow === session.name);
    old.forEach((id, index) => {
      const spot = spots[index];
      const node = clip.nodes[id];
      if (node) change.put(`node:${fresh.get(id)}`, { ...node, type: typeHere(node.type) });
      change.put(`layout:${fresh.get(id)}`, { ...spot, x: position.x + spot.x - left, y: position.y + spot.y - top });
    });
    for (const { source, output, target, input } of clip.wires ?? []) {
      if (!fresh.has(source) || !fresh.has(target)) continue;
      putWire(change, fresh.get(source), output, fresh.get(target), input);
    }
  });
  return [...fresh.values()];
}

/** An id on the canvas that neither a node nor a frame nor a note has. */
export function freshId(type, taken = takenIds()) {
  let id = within(scope.value, type);
  for (let number = 2; taken.has(id); number++) id = within(scope.value, `${type}_${number}`);
  taken.add(id);
  return id;
}

const takenIds = () => new Set([...records.keys()].filter((key) => /^(node|layout):/.test(key)).map(idOf));
