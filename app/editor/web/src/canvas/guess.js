// Where a node's sockets are and how large it is, read off its declaration. A large graph opens at once by it: only
// nodes in view are mounted and measured, and wires to the others still end in the right place.
import { Position } from "@vue-flow/core";
import { asPort, declarationOf } from "../state/catalogue.js";
import { nodeOf } from "../state/graph.js";
import { portWidgets, rowsOf } from "../state/params.js";

const [WIDTH, HEADER, ROW, WIDGET, SOCKET] = [280, 38, 24, 34, 20];

export function guess(id) {
  const { inputs, outputs } = declarationOf(nodeOf(id).type);
  const ports = [...inputs, ...portWidgets(id).map(asPort)];
  const rows = Math.max(ports.length, outputs.length);
  const fields = rowsOf(id).reduce((sum, { widget }) => sum + (widget.kind === "lines" ? 42 + 19 * widget.rows : WIDGET), 0);
  const bounds = (list, type, position, x) =>
    list.map((port, row) => ({
      id: port.name,
      nodeId: id,
      type,
      position,
      x: x - SOCKET / 2,
      y: HEADER + ROW * row + (ROW - SOCKET) / 2,
      width: SOCKET,
      height: SOCKET,
    }));
  return {
    dimensions: { width: WIDTH, height: HEADER + ROW * rows + 8 + fields },
    handleBounds: {
      source: bounds(outputs, "source", Position.Right, WIDTH),
      target: bounds(ports, "target", Position.Left, 0),
    },
  };
}
