// What is open and what the pointer is doing: local to this page, never sent.
import { shallowReactive, watchEffect } from "vue";

export const ui = shallowReactive({
  theme: localStorage.getItem("patchloom.theme") ?? "dark",
  /** null | "library" | "workflows" */
  rail: null,
  /** null | {x, y, position, from: {node, port, side, type} | null}: where the palette is and what it must fit */
  palette: null,
  /** null | {x, y, node: id | null, wire: key | null} */
  menu: null,
  keys: false,
  minimap: localStorage.getItem("patchloom.minimap") !== "off",
  /** the wire being drawn, by the end it started from: null | {node, port, side, type, accepts} */
  connecting: null,
  /** why the port under the pointer refuses: null | {x, y, text} */
  refusal: null,
  pointer: { x: 0, y: 0 },
});

watchEffect(() => {
  document.documentElement.dataset.theme = ui.theme;
  localStorage.setItem("patchloom.theme", ui.theme);
});

export function toggleMinimap() {
  ui.minimap = !ui.minimap;
  localStorage.setItem("patchloom.minimap", ui.minimap ? "on" : "off");
}
