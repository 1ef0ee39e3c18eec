// The node declarations, as the server read them off the nodes' signatures.
import { shallowReactive } from "vue";
import { records } from "./document.js";
import { faceOf } from "./face.js";

/** nodes: declarations by type. kept: the groups of the workspace, {type, records} by the type `kept:<name>`. */
export const catalogue = shallowReactive({ nodes: {}, kept: {}, loaded: false });

export async function loadCatalogue() {
  const response = await fetch("/api/nodes");
  Object.assign(catalogue, await response.json(), { loaded: true });
}

/** The declaration of a node type, or a stand-in for one that this installation lacks. */
export function declarationOf(type) {
  return (
    catalogue.nodes[type] ??
    faceOf(type, records, declarationOf) ??
    keptDeclaration(catalogue.kept[type]) ?? {
      type,
      label: type,
      category: "unknown",
      help: "This node is not installed here; it is kept as it was.",
      inputs: [],
      outputs: [],
      widgets: [],
      keywords: [],
      missing: true,
    }
  );
}

function keptDeclaration(kept) {
  if (!kept) return null;
  const from = new Map(Object.entries(kept.records));
  const declare = (type) => catalogue.nodes[type] ?? faceOf(type, from, declare) ?? declarationOf(undefined);
  return { ...declare(kept.type), type: kept.key, label: kept.name, category: "your groups", brings: kept };
}

/** An input by its name; a widget takes a wire as well, and is a port then. */
export function inputOf(type, name) {
  const { inputs, widgets } = declarationOf(type);
  const widget = widgets.find((each) => each.name === name);
  return inputs.find((port) => port.name === name) ?? (widget && asPort(widget));
}
export const outputOf = (type, name) => declarationOf(type).outputs.find((port) => port.name === name);

/** A widget as the port that a wire makes of it. */
export function asPort({ name, label, help, accepts }) {
  return { name, label, help, accepts, type: accepts[0], optional: true };
}

/** The widget of a node that is nothing but one value, if it can hold what `widget` does: a prompt's text, a number. */
export function holderOf({ inputs, widgets: [only, ...more] }, widget) {
  if (inputs.length || more.length || !only || only.kind === "file" || only.choices) return null;
  return only.type === widget.type || (only.type === "float" && widget.type === "int") ? only : null;
}

/** May a wire of that type end in that input? What the values are is for the server to say. */
export const fits = (type, input) => input.accepts.includes(type);

/** Node types with a port on `side` that a wire of `type` fits; the first such port with each. */
export function nodesFitting(type, side, declarations = Object.values(catalogue.nodes)) {
  return declarations.flatMap((declaration) => {
    const port =
      side === "input"
        ? declaration.inputs.find((each) => fits(type, each))
        : declaration.outputs.find((each) => each.type === type);
    return port ? [{ declaration, port: port.name }] : [];
  });
}

/** The settings, of any node, that a number of an output goes into: {declaration, port, widget}; a seed into seeds alone. */
export function settingsFor(from, declarations = Object.values(catalogue.nodes)) {
  const [only, ...more] = declarationOf(from).widgets;
  const holds = more.length ? null : only;
  const takes = ({ kind, type }) => (kind === "seed" ? holds?.kind === "seed" : kind === "number" && holds?.kind !== "seed" && (holds?.type !== "int" || type === "int"));
  return declarations
    .filter((declaration) => declaration.type !== from)
    .flatMap((declaration) => declaration.widgets.filter((widget) => takes(widget) && fits("Scalar", asPort(widget)) && !holderOf(declaration, widget)).map((widget) => ({ declaration, port: widget.name, widget })));
}

/** The node that reads files called like that, and the widget that names the file. */
export function readerOf(name) {
  const ending = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  for (const { type, widgets } of Object.values(catalogue.nodes)) {
    const widget = widgets.find((each) => each.mode === "open" && each.endings.includes(ending));
    if (widget) return { type, widget: widget.name };
  }
  return null;
}

export function categories(declarations = Object.values(catalogue.nodes)) {
  const groups = new Map();
  for (const declaration of declarations) {
    if (!groups.has(declaration.category)) groups.set(declaration.category, []);
    groups.get(declaration.category).push(declaration);
  }
  return groups;
}
