// What is open and what the pointer is doing: local to this page, never sent.
import { shallowReactive, watchEffect } from "vue";

export const ui = shallowReactive({
  theme: localStorage.getItem("patchloom.theme") ?? "dark",
  /** null | "library" | "workflows" */
  rail: null,
  /** null | {x, y, position, from: {node, port, side, type} | null}: where the palette is and what it must fit */
  palette: null,
  /** null | {x, y, target: "node" | "wire" | "pane" | "widget" | "port", widget: [node id, name], port: [node id, side, name]} */
  menu: null,
  keys: false,
  gallery: false,
  /** the workflow as a form instead of a graph; its address ends in #app */
  app: location.hash === "#app",
  /** the step of the tour that is shown, or null */
  tour: null,
  /** the canvas by itself, with nothing around it */
  alone: false,
  finding: false,
  commands: false,
  /** id of the node, frame or note whose words are being written */
  renaming: null,
  /** null | {a, b, mode}: what the viewer shows; b only when comparing */
  viewer: null,
  /** while a node is dragged over a wire that it fits: {key, ways} */
  insertion: null,
  /** null | {title, value, done}: a name being asked for */
  question: null,
  /** null | {label, endings, value, take, bringIn}: a file being chosen for a widget */
  picking: null,
  /** null | {title, value, take}: a text being written with more room than on its node */
  writing: null,
  minimap: kept("minimap", true),
  snap: kept("snap", false),
  shapes: kept("shapes", false),
  wires: kept("wires", true),
  times: kept("times", false),
  inspector: kept("inspector", false),
  /** the wire being drawn, by the end it started from: null | {node, port, side, type, accepts} */
  connecting: null,
  /** why the port under the pointer refuses: null | {x, y, text} */
  refusal: null,
  pointer: { x: 0, y: 0 },
});

document.documentElement.lang = "en";
watchEffect(() => {
  document.documentElement.dataset.theme = ui.theme;
  localStorage.setItem("patchloom.theme", ui.theme);
});

/** The address of the picture of one of the workspace's files. */
export const pictureOf = (file) => `/api/files/picture?${new URLSearchParams({ file })}`;

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

/** Turn a choice of this browser over: "minimap", "snap", "shapes", "wires", "times" or "inspector". */
export function flip(name) {
  ui[name] = !ui[name];
  localStorage.setItem(`patchloom.${name}`, ui[name] ? "on" : "off");
}

function kept(name, otherwise) {
  return (localStorage.getItem(`patchloom.${name}`) ?? (otherwise ? "on" : "off")) === "on";
}

/** "graph" or "app" */
export function show(which) {
  ui.app = which === "app";
  history.replaceState(null, "", ui.app ? "#app" : location.pathname);
}

export function toggleRail(panel) {
  ui.rail = ui.rail === panel ? null : panel;
}
