// The node declarations, as the server read them off the nodes' signatures.
import { shallowReactive } from "vue";

export const catalogue = shallowReactive({ nodes: {}, conversions: {}, loaded: false });

export async function loadCatalogue() {
  const response = await fetch("/api/nodes");
  Object.assign(catalogue, await response.json(), { loaded: true });
}

/** The declaration of a node type, or a stand-in for one that this installation lacks. */
export function declarationOf(type) {
  return (
    catalogue.nodes[type] ?? {
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

export const inputOf = (type, name) => declarationOf(type).inputs.find((port) => port.name === name);
export const outputOf = (type, name) => declarationOf(type).outputs.find((port) => port.name === name);

/** May a wire run from one value type to another, lossless conversions included? */
export function fits(from, to) {
  return from === to || (catalogue.conversions[from] ?? []).includes(to);
}

/** Node types with a port on `side` that a wire of `type` fits; the first such port with each. */
export function nodesFitting(type, side) {
  return Object.values(catalogue.nodes).flatMap((declaration) => {
    const ports = side === "input" ? declaration.inputs : declaration.outputs;
    const port = ports.find((each) => (side === "input" ? fits(type, each.type) : fits(each.type, type)));
    return port ? [{ declaration, port: port.name }] : [];
  });
}

export function categories() {
  const groups = new Map();
  for (const declaration of Object.values(catalogue.nodes)) {
    if (!groups.has(declaration.category)) groups.set(declaration.category, []);
    groups.get(declaration.category).push(declaration);
  }
  return groups;
}
