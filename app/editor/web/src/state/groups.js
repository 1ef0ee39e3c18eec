// Making a group of nodes and taking one apart; each is one edit.
import { isModel } from "../canvas/sockets.js";
import { declarationOf } from "./catalogue.js";
import { faceRecord, groupNames, inside, usesOf } from "./definitions.js";
import { edit, records } from "./document.js";
import { freshId, idOf, layoutOf, nodeOf, putWire, wireInto, wires } from "./graph.js";
import { groupAt, groupNameOf, groupType, localOf, scope, scopeOf, within } from "./scope.js";
import { endsIn, faceBy, sameEnd, show } from "./shown.js";
import { freshName, unique } from "./unique.js";

/** Make one node of several. ids: nodes, frames and notes; returns the id of the group's node. */
export function makeGroup(ids) {
  const chosen = new Set(ids);
  const nodes = ids.filter(nodeOf);
  const name = freshName("group", new Set(groupNames()));
  const id = freshId(name);
  const spots = nodes.map(layoutOf);
  const middle = (axis) => Math.round((Math.min(...spots.map((spot) => spot[axis])) + Math.max(...spots.map((spot) => spot[axis]))) / 2);
  const face = { label: "Group", inputs: {}, outputs: {}, widgets: {} };
  const [takes, gives] = [new Set(), new Set()];
  const [byInput, byOutput] = [new Map(), new Map()];
  const moved = (key, value) => [`${key.slice(0, key.indexOf(":"))}:${name}:${localOf(idOf(key))}`, value];
  const inner = (end) => [`${name}:${localOf(end[0])}`, end[1]];

  edit("Group", (change) => {
    change.put(`node:${id}`, { type: groupType(name), version: 1, params: {} });
    change.put(`layout:${id}`, { x: middle("x"), y: middle("y") });
    for (const each of ids) {
      for (const key of [`node:${each}`, `layout:${each}`]) if (records.has(key)) change.put(...moved(key, records.get(key))).remove(key);
    }
    const outputAt = (node, output) => {
      const key = `${node}.${output}`;
      if (!byOutput.has(key)) byOutput.set(key, unique(output, gives));
      face.outputs[byOutput.get(key)] = [localOf(node), output];
      return byOutput.get(key);
    };
    for (const wire of wires()) {
      const [from, to] = [chosen.has(wire.source), chosen.has(wire.target)];
      const record = records.get(wire.key);
      if (!from && !to) continue;
      if (from && to) {
        change.remove(wire.key).put(`wire:${name}:${localOf(wire.target)}.${wire.input}`, { ...record, from: inner(record.from), to: inner(record.to) });
      } else if (to) {
        const end = [localOf(wire.target), wire.input];
        const source = `${wire.source}.${wire.output}`;
        const isWidget = declarationOf(nodeOf(wire.target).type).widgets.some((widget) => widget.name === wire.input);
        change.remove(wire.key);
        if (!isWidget && byInput.has(source)) face.inputs[byInput.get(source)].push(end);
        else {
          const port = unique(wire.input, takes);
          if (isWidget) face.widgets[port] = end;
          else byInput.set(source, port), (face.inputs[port] = [end]);
          putWire(change, wire.source, wire.output, id, port);
        }
      } else change.put(wire.key, { ...record, from: [id, outputAt(wire.source, wire.output)] });
    }
    const taken = new Set(wires().map((wire) => `${wire.source}.${wire.output}`));
    const inputAt = (part, node, input) => {
      const end = [localOf(node), input];
      const known = Object.entries(face[part]).find(([, ends]) => endsIn(part, ends).some((each) => sameEnd(each, end)));
      const port = known?.[0] ?? unique(input, takes);
      if (!known) face[part][port] = part === "inputs" ? [end] : end;
      return port;
    };
    // What the group around shows of these nodes, it shows of the new one.
    if (scope.value) {
      const at = ([node, port], find) => (chosen.has(within(scope.value, node)) ? [localOf(id), find(within(scope.value, node), port)] : [node, port]);
      change.put(groupType(scope.value), faceBy(faceRecord(scope.value), {
        inputs: (end) => [at(end, (node, port) => inputAt("inputs", node, port))],
        outputs: (end) => [at(end, outputAt)],
        widgets: (end) => [at(end, (node, port) => inputAt("widgets", node, port))],
      }));
    }
    for (const node of nodes) {
      const { inputs, outputs, widgets } = declarationOf(nodeOf(node).type);
      for (const port of inputs) if (!port.optional && !wireInto(node, port.name)) inputAt("inputs", node, port.name);
      for (const widget of widgets) if (isAsked(widget) && !wireInto(node, widget.name)) inputAt("widgets", node, widget.name);
      for (const port of outputs) if (!isModel(port.type) && !taken.has(`${node}.${port.name}`)) outputAt(node, port.name);
    }
    change.put(groupType(name), face);
  });
  return id;
}

/** What most people would set from outside: what is written, what is picked from the disk, and the seeds. */
const isAsked = (widget) => ["lines", "seed"].includes(widget.kind) || widget.mode === "open";

/** Put what a group's node stands for in its place; returns the ids of the nodes. */
export function dissolveGroup(id) {
  const name = groupAt(id);
  const { inputs = {}, outputs = {}, widgets = {} } = faceRecord(name);
  const keys = inside(name);
  const corner = layoutOf(id);
  const spots = keys.filter((key) => key.startsWith("layout:")).map((key) => records.get(key));
  const middle = (axis) => (Math.min(...spots.map((spot) => spot[axis])) + Math.max(...spots.map((spot) => spot[axis]))) / 2;
  const shift = spots.length ? { x: corner.x - middle("x"), y: corner.y - middle("y") } : { x: 0, y: 0 };
  const fresh = new Map();
  for (const key of keys) if (!key.startsWith("wire:")) fresh.has(idOf(key)) || fresh.set(idOf(key), freshId(localOf(idOf(key))));
  const set = new Map();
  for (const [port, [node, param]] of Object.entries(widgets)) {
    const value = nodeOf(id).params?.[port];
    if (value !== undefined) set.set(node, { ...set.get(node), [param]: value });
  }
  const out = (end) => [fresh.get(`${name}:${end[0]}`), end[1]];

  edit("Dissolve the group", (change) => {
    for (const key of keys) {
      const record = records.get(key);
      if (key.startsWith("wire:")) putWire(change, fresh.get(record.from[0]), record.from[1], fresh.get(record.to[0]), record.to[1], record);
      else if (key.startsWith("layout:")) change.put(`layout:${fresh.get(idOf(key))}`, { ...record, x: Math.round(record.x + shift.x), y: Math.round(record.y + shift.y) });
      else change.put(`node:${fresh.get(idOf(key))}`, { ...record, params: { ...record.params, ...set.get(localOf(idOf(key))) } });
    }
    for (const wire of wires()) {
      if (wire.source !== id && wire.target !== id) continue;
      const end = wire.source === id ? outputs[wire.output] : null;
      const from = wire.source === id ? end && out(end) : [wire.source, wire.output];
      const ends = wire.target === id ? [...(inputs[wire.input] ?? []), ...(widgets[wire.input] ? [widgets[wire.input]] : [])].map(out) : [[wire.target, wire.input]];
      if (wire.target === id || !from) change.remove(wire.key);
      if (from) for (const [node, input] of ends) if (node) putWire(change, ...from, node, input, records.get(wire.key));
    }
    change.remove(`node:${id}`).remove(`layout:${id}`);
    if (scope.value) {
      const at = (ends, end) => (end[0] === localOf(id) ? ends.filter(Boolean).map(([node, port]) => [localOf(fresh.get(`${name}:${node}`)), port]) : [end]);
      change.put(groupType(scope.value), faceBy(faceRecord(scope.value), {
        inputs: (end) => at(inputs[end[1]] ?? [], end),
        outputs: (end) => at([outputs[end[1]]], end),
        widgets: (end) => at([widgets[end[1]]], end),
      }));
    }
    dropUnused(change, new Set([id]));
  });
  return [...fresh.values()];
}

/** As part of an edit that removes nodes: groups show nothing of what is gone, and those that nothing uses any more go too. */
export function forget(change, ids) {
  const gone = new Set(ids);
  if (scope.value) {
    const left = (end) => (gone.has(within(scope.value, end[0])) ? [] : [end]);
    show(change, scope.value, faceBy(faceRecord(scope.value), { inputs: left, outputs: left, widgets: left }));
  }
  dropUnused(change, gone);
}

function dropUnused(change, gone) {
  const dropped = new Set();
  const made = Object.entries({ ...change.diff.added, ...change.diff.updated }).filter(([key]) => key.startsWith("node:") && !(key in change.diff.removed));
  const unused = (name) =>
    usesOf(name).every((use) => gone.has(use) || dropped.has(scopeOf(use))) && !made.some(([, record]) => (record[1] ?? record).type === groupType(name));
  for (let name; (name = groupNames().find((each) => !dropped.has(each) && [...gone, ...usesIn(dropped)].some((id) => groupNameOf(nodeOf(id)?.type) === each) && unused(each))); ) {
    dropped.add(name);
    for (const key of [groupType(name), ...inside(name)]) change.remove(key);
  }
}

const usesIn = (names) => [...names].flatMap((name) => inside(name).filter((key) => key.startsWith("node:")).map(idOf));

