// What stands in the widgets: set, for all nodes of a kind that are selected; set back; made a port and a widget again.
import { declarationOf } from "./catalogue.js";
import { edit } from "./document.js";
import { layoutOf, nodeOf, titleOf, wireInto } from "./graph.js";
import { selectedIds } from "./view.js";

/** Is the widget a port now: by a wire, or because it was made one? */
export const isPort = (id, name) => Boolean(wireInto(id, name) || layoutOf(id).ports?.includes(name));

const widgets = (id) => declarationOf(nodeOf(id)?.type).widgets;
export const freeWidgets = (id) => widgets(id).filter((widget) => !isPort(id, widget.name));
export const portWidgets = (id) => widgets(id).filter((widget) => isPort(id, widget.name));

/** The rows of widgets on a node's card: {widget, height} where a width and a height are one control, else {widget}. */
export function rowsOf(id) {
  const free = freeWidgets(id);
  const height = free.find((widget) => widget.side === "height");
  const paired = height && free.some((widget) => widget.side === "width");
  return free
    .filter((widget) => !paired || widget !== height)
    .map((widget) => (paired && widget.side === "width" ? { widget, height } : { widget }));
}

/** The nodes that a change on a node reaches: all selected ones of its type, if it is selected itself. */
export function alike(id) {
  const selected = selectedIds();
  return selected.includes(id) ? selected.filter((each) => nodeOf(each)?.type === nodeOf(id)?.type) : [id];
}

/** Set widgets, {name: value}, of nodes in one edit. */
export function setParams(ids, values, label, group = "") {
  const whole = `${label} of ${ids.length > 1 ? `${ids.length} nodes` : titleOf(ids[0])}`;
  edit(whole, (change) => {
    for (const id of ids) change.put(`node:${id}`, { ...nodeOf(id), params: { ...nodeOf(id).params, ...values } });
  }, group);
}

/** Give nodes these settings and no others; without any, the defaults. */
export function replaceParams(ids, params, label) {
  edit(label, (change) => ids.forEach((id) => change.put(`node:${id}`, { ...nodeOf(id), params })));
}

/** Make a port of a widget, which keeps its value until a wire comes in; or a widget again, without its wire. */
export function togglePort(id, name) {
  const { label } = widgets(id).find((widget) => widget.name === name);
  const ports = (layoutOf(id).ports ?? []).filter((each) => each !== name);
  const back = isPort(id, name);
  const kept = back ? ports : [...ports, name];
  edit(back ? `Make a widget of ${label.toLowerCase()}` : `Make a port of ${label.toLowerCase()}`, (change) => {
    change.put(`layout:${id}`, { ...layoutOf(id), ports: kept.length ? kept : undefined });
    if (back) change.remove(`wire:${id}.${name}`);
  });
}

/** Set one widget back, on all nodes alike. */
export function resetWidget(id, name) {
  const widget = widgets(id).find((each) => each.name === name);
  setParams(alike(id), { [name]: widget.default }, `Reset ${widget.label.toLowerCase()}`);
}

export function resetNodes(ids) {
  replaceParams(ids, {}, ids.length === 1 ? `Reset ${titleOf(ids[0])}` : `Reset ${ids.length} nodes`);
}
