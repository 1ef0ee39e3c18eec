// The app view: the same workflow as a form, of the widgets and results that its author chose, in that order. Kept in
// the document as meta:app; until something is chosen, what most people would choose.
import { isModel } from "../canvas/sockets.js";
import { declarationOf } from "./catalogue.js";
import { edit, records } from "./document.js";
import { layoutOf, nodeIds, nodeOf, titleOf, wires } from "./graph.js";
import { freeWidgets } from "./params.js";

const KEY = "meta:app";

/** Nodes from left to right, as they are read. */
const inOrder = () => nodeIds().sort((a, b) => layoutOf(a).x - layoutOf(b).x || layoutOf(a).y - layoutOf(b).y);

/** Everything that could be in the form: {id, title, widgets}. */
export const choices = () => inOrder().map((id) => ({ id, title: titleOf(id), widgets: freeWidgets(id) })).filter((node) => node.widgets.length);

/** {widgets: [[node, widget name]], results: [node]}, of what is there now. */
export function appOf() {
  const kept = records.get(KEY);
  const all = choices();
  const there = ([id, name]) => all.some((node) => node.id === id && node.widgets.some((widget) => widget.name === name));
  const widgets = kept?.widgets?.filter(there) ?? usual(all);
  return { widgets, results: kept?.results?.filter((id) => nodeOf(id)) ?? results() };
}

const widgetOf = ([id, name]) => declarationOf(nodeOf(id)?.type).widgets.find((widget) => widget.name === name);

/** The widgets of the form as it calls them: two of one name, and one that is all there is to its node, by the node's. */
export function rowsOfApp() {
  const found = appOf().widgets.map(([id, name]) => ({ id, widget: widgetOf([id, name]) }));
  return found.map(({ id, widget }) => {
    const alone = layoutOf(id).title && declarationOf(nodeOf(id).type).widgets.length === 1;
    const double = found.some((other) => other.id !== id && other.widget.label === widget.label);
    const label = alone ? titleOf(id) : double ? `${titleOf(id)}: ${widget.label}` : widget.label;
    return { id, widget: { ...widget, label } };
  });
}

/** Put a widget into the form or take it out. */
export function toggleInApp(id, name) {
  const app = appOf();
  const without = app.widgets.filter(([node, widget]) => node !== id || widget !== name);
  save({ ...app, widgets: without.length < app.widgets.length ? without : [...app.widgets, [id, name]] }, "Change the app view");
}

/** Move a widget of the form up (-1) or down (1). */
export function moveInApp(at, direction) {
  const app = appOf();
  const to = at + direction;
  if (to < 0 || to >= app.widgets.length) return;
  const widgets = app.widgets.with(at, app.widgets[to]).with(to, app.widgets[at]);
  save({ ...app, widgets }, "Change the app view");
}

const save = (app, label) => edit(label, (change) => change.put(KEY, app));

/** What is written, what is picked from the disk, the seeds, and the numbers that feed other nodes. */
function usual(all) {
  return all.flatMap(({ id, widgets }) => {
    const { category, inputs } = declarationOf(nodeOf(id).type);
    const given = category === "numbers" && !inputs.length;
    return widgets.filter((widget) => given || ["lines", "seed"].includes(widget.kind) || widget.mode === "open").map((widget) => [id, widget.name]);
  });
}

/** The ends of the graph. */
function results() {
  const sources = new Set(wires().map((wire) => wire.source));
  const ends = inOrder().filter((id) => !sources.has(id));
  return ends.filter((id) => declarationOf(nodeOf(id)?.type).outputs.some((output) => !isModel(output.type)));
}
