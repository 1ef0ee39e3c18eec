// Settings that several nodes have in common: the same kind of value within the same bounds, under one name.
import { nodeOf, paramOf } from "./graph.js";
import { freeWidgets, rowsOf } from "./params.js";
import { same } from "./changes.js";

/** The nodes by their type. */
export function byType(ids) {
  return [...Map.groupBy(ids, (id) => nodeOf(id).type)];
}

/** The rows of widgets that all of the nodes have, none as a port: {widget, height} or {widget}. */
export function sharedRows(ids) {
  const others = ids.slice(1).map(freeWidgets);
  const inAll = (widget) => !widget || others.every((widgets) => widgets.some((each) => alike(each, widget)));
  return rowsOf(ids[0]).filter(({ widget, height }) => inAll(widget) && inAll(height));
}

// What it is called in words may differ.
const essence = ({ label, help, ...rest }) => rest;
const alike = (a, b) => a.name === b.name && same(essence(a), essence(b));

/** Are widgets of the nodes set otherwise from one to the next? */
export const differ = (ids, widgets) => widgets.some((widget) => ids.some((id) => paramOf(id, widget) !== paramOf(ids[0], widget)));
