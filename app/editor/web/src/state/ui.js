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
  /** null | {title, value, done}: a name being asked for */
  question: null,
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

/** Ask for a name; resolves with it, or with null. */
export function ask(title, value) {
  return new Promise((resolve) => {
    ui.question = {
      title,
      value,
      done(answer) {
        ui.question = null;
        resolve(answer?.trim() || null);
      },
    };
  });
}

export function toggleMinimap() {
  ui.minimap = !ui.minimap;
  localStorage.setItem("patchloom.minimap", ui.minimap ? "on" : "off");
}
