// What a group looks like from outside: the declaration of a node, of the ports and widgets that its group shows.
import { groupNameOf, groupType } from "./scope.js";

const named = (name, inner) => (name === inner.name ? inner.label : name);

/** The declaration of a group's type, or null where `records` has no such group. declare: of the types inside. */
export function faceOf(type, records, declare) {
  const name = groupNameOf(type);
  const face = name !== null && records.get(groupType(name));
  if (!face) return null;
  const of = (node) => declare(records.get(`node:${name}:${node}`)?.type);
  const found = (list, [node, inner]) => of(node)[list].find((each) => each.name === inner);

  const inputs = Object.entries(face.inputs ?? {}).flatMap(([port, ends]) => {
    const inner = ends.map((end) => found("inputs", end)).filter(Boolean);
    return inner.length ? [{ ...inner[0], name: port, label: named(port, inner[0]), optional: inner.every((each) => each.optional) }] : [];
  });
  const outputs = Object.entries(face.outputs ?? {}).flatMap(([port, end]) => {
    const inner = found("outputs", end);
    return inner ? [{ ...inner, name: port, label: named(port, inner) }] : [];
  });
  const widgets = Object.entries(face.widgets ?? {}).flatMap(([port, end]) => {
    const inner = found("widgets", end);
    const wired = records.has(`wire:${name}:${end[0]}.${end[1]}`);
    if (!inner || wired) return [];
    const value = records.get(`node:${name}:${end[0]}`).params?.[end[1]] ?? inner.default;
    return [{ ...inner, name: port, label: named(port, inner), default: value, side: undefined }];
  });
  const help = "A group: several nodes as one. Double-click to go inside.";
  return { type, version: 1, category: "groups", label: face.label || name, help, keywords: ["group"], inputs, outputs, widgets };
}
