// Every command of the editor, once: menus, shortcuts, the palette, tooltips and the key list all read this list.
import { cancelRun, redo, session, startRun, undo } from "./state/document.js";
import { copyText, nodeIds, pasteText, removeNodes, setLayout, layoutOf } from "./state/graph.js";
import { say } from "./state/messages.js";
import { run } from "./state/run.js";
import { toggleMinimap, ui } from "./state/ui.js";
import { fit, flow, select, selectedIds, selectedWires, toCanvas, viewCentre } from "./state/view.js";
import { downloadWorkflow, openFromDisk, saveCopy } from "./state/workflows.js";

const some = () => selectedIds().length > 0;
let inMemoryClip = "";

export const actions = [
  { name: "run", label: "Run", group: "Run", keys: ["Ctrl+Enter"], everywhere: true, when: () => !run.active, perform: () => startRun() },
  { name: "run-here", label: "Run to here", group: "Run", keys: [], node: true, when: () => some() && !run.active, perform: () => startRun(selectedIds()) },
  { name: "cancel", label: "Cancel the run", group: "Run", keys: ["Ctrl+."], everywhere: true, when: () => run.active, perform: cancelRun },

  { name: "add", label: "Add a node…", group: "Edit", keys: ["Tab", "Space", "Shift+A"], pane: true, perform: () => openPalette() },
  { name: "undo", label: "Undo", group: "Edit", keys: ["Ctrl+Z"], when: () => session.undo !== null, perform: undo, detail: () => session.undo },
  { name: "redo", label: "Redo", group: "Edit", keys: ["Ctrl+Shift+Z", "Ctrl+Y"], when: () => session.redo !== null, perform: redo, detail: () => session.redo },
  { name: "cut", label: "Cut", group: "Edit", keys: ["Ctrl+X"], node: true, when: some, perform: () => (copy(), removeSelected()) },
  { name: "copy", label: "Copy", group: "Edit", keys: ["Ctrl+C"], node: true, when: some, perform: () => copy() },
  { name: "paste", label: "Paste", group: "Edit", keys: ["Ctrl+V"], pane: true, viaClipboard: true, perform: () => pasteFrom(inMemoryClip) },
  { name: "duplicate", label: "Duplicate", group: "Edit", keys: ["Ctrl+D"], node: true, when: some, perform: duplicate },
  { name: "delete", label: "Delete", group: "Edit", keys: ["Delete", "Backspace"], node: true, wire: true, when: () => some() || selectedWires().length > 0, perform: removeSelected },
  { name: "select-all", label: "Select all", group: "Edit", keys: ["Ctrl+A"], pane: true, perform: () => select(nodeIds()) },
  { name: "collapse", label: "Collapse", group: "Edit", keys: ["H"], node: true, when: some, perform: collapse },

  { name: "fit", label: "Fit all", group: "View", keys: ["Home", "Shift+1"], pane: true, perform: () => fit() },
  { name: "fit-selection", label: "Fit selection", group: "View", keys: ["F"], node: true, perform: () => fit(some() ? flow.getSelectedNodes.value : undefined) },
  { name: "zoom-in", label: "Zoom in", group: "View", keys: ["Ctrl++", "Ctrl+="], perform: () => flow.zoomIn({ duration: 120 }) },
  { name: "zoom-out", label: "Zoom out", group: "View", keys: ["Ctrl+-"], perform: () => flow.zoomOut({ duration: 120 }) },
  { name: "library", label: "Node library", group: "View", keys: ["Ctrl+L"], perform: () => toggleRail("library") },
  { name: "workflows", label: "Workflows", group: "View", keys: ["Ctrl+O"], perform: () => toggleRail("workflows") },
  { name: "minimap", label: "Minimap", group: "View", keys: ["Shift+M"], pane: true, perform: toggleMinimap },
  { name: "theme", label: "Light or dark", group: "View", keys: [], perform: () => (ui.theme = ui.theme === "dark" ? "light" : "dark") },
  { name: "keys", label: "Keyboard shortcuts", group: "View", keys: ["Shift+?"], pane: true, perform: () => (ui.keys = !ui.keys) },

  { name: "save", label: "Save", group: "File", keys: ["Ctrl+S"], everywhere: true, perform: () => say(`Every edit is saved as you make it, in ${session.name}.`) },
  { name: "save-copy", label: "Save a copy…", group: "File", keys: ["Ctrl+Shift+S"], everywhere: true, perform: saveCopy },
  { name: "download", label: "Download as a file", group: "File", keys: [], perform: downloadWorkflow },
  { name: "open-file", label: "Open a file…", group: "File", keys: [], perform: openFromDisk },
];

const byName = new Map(actions.map((action) => [action.name, action]));
export const action = (name) => byName.get(name);
export const enabled = (each) => !each.when || each.when();
const mac = /Mac|iPhone|iPad/.test(navigator.platform);

export function perform(name) {
  const chosen = byName.get(name);
  if (enabled(chosen)) chosen.perform();
}

export function keyText(keys) {
  return mac ? keys.replace("Ctrl+", "⌘").replace("Shift+", "⇧").replace("Enter", "↵") : keys.replace("Enter", "↵");
}

/** "Undo Move (Ctrl+Z)" */
export function tooltip(name) {
  const { label, keys, detail } = byName.get(name);
  const more = detail?.() ? ` ${detail().toLowerCase()}` : "";
  return `${label}${more}${keys.length ? `  ${keyText(keys[0])}` : ""}`;
}

/** Run the action that a key press stands for; returns true if there was one. */
export function handleKey(event) {
  const pressed = chord(event);
  const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select");
  const control = event.target.closest?.("button, a, .node-widgets, .clip-view") && !pressed.startsWith("Ctrl");
  const chosen = actions.find((each) => each.keys.includes(pressed) && (each.everywhere || !(typing || control)));
  if (!chosen || chosen.viaClipboard) return false;
  if (typing) event.target.dispatchEvent(new Event("change"));
  if (enabled(chosen)) chosen.perform();
  return true;
}

function chord(event) {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const named = event.shiftKey && /^Digit\d$/.test(event.code) ? event.code.slice(5) : key;
  return [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt", event.shiftKey && "Shift", named]
    .filter(Boolean)
    .join("+");
}

/** Open the palette at a point of the screen (default: the pointer), for a free port if one is given. */
export function openPalette(point = ui.pointer, from = null) {
  ui.menu = null;
  ui.palette = { x: point.x, y: point.y, position: toCanvas(point), from };
}

export function pasteFrom(text) {
  const box = flow.vueFlowRef.value.getBoundingClientRect();
  const { x, y } = ui.pointer;
  const inside = x > box.left && x < box.right && y > box.top && y < box.bottom;
  const ids = pasteText(text, inside ? toCanvas({ x, y }) : viewCentre());
  if (ids) requestAnimationFrame(() => select(ids));
  return ids !== null;
}

function copy() {
  inMemoryClip = copyText(selectedIds());
  navigator.clipboard?.writeText(inMemoryClip).catch(() => {});
}

function duplicate() {
  const nodes = flow.getSelectedNodes.value;
  const corner = { x: Math.min(...nodes.map((node) => node.position.x)), y: Math.min(...nodes.map((node) => node.position.y)) };
  const ids = pasteText(copyText(selectedIds()), { x: corner.x + 32, y: corner.y + 32 });
  if (ids) requestAnimationFrame(() => select(ids));
}

function removeSelected() {
  removeNodes(selectedIds(), selectedWires());
  // The focused node is gone with its focus; without this the next shortcut would go to the body.
  flow.vueFlowRef.value.focus({ preventScroll: true });
}

function collapse() {
  for (const id of selectedIds()) {
    const collapsed = !layoutOf(id).collapsed;
    setLayout(id, { collapsed }, collapsed ? "Collapse" : "Expand");
  }
}

function toggleRail(panel) {
  ui.rail = ui.rail === panel ? null : panel;
}
