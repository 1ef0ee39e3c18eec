/** What the palette and the library search a node by, and how much each counts. */
export const searchFields = (node) => [
  [node.label, 1],
  [node.type, 0.9],
  ...node.keywords.map((word) => [word, 0.7]),
  [node.category, 0.5],
  ...[...node.inputs, ...node.outputs].map((port) => [port.type, 0.4]),
];
