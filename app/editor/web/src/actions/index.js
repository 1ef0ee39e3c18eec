// Every command of the editor, once: menus, shortcuts, the command palette, tooltips and the key list read this list.
import { nextTick } from "vue";
import { placeOf, wireMiddle } from "../canvas/path.js";
import { walk } from "../canvas/walking.js";
import { addFrame, addNote, isAnnotation } from "../state/annotations.js";
import { align, distribute, tidy, togglePin } from "../state/arrange.js";
import { cancelRun, records, redo, session, undo } from "../state/document.js";
import { addVia, dissolveNodes, layoutOf, modeOf, nodeIds, removeNodes, setLayouts, setMode } from "../state/graph.js";
import { say } from "../state/messages.js";
import { isPort, resetNodes, resetWidget, togglePort } from "../state/params.js";
import { keepPreset } from "../state/presets.js";
import { keepGroup } from "../state/kept.js";
import { run } from "../state/run.js";
import { groupAt, runNodes, scopeOf, trail } from "../state/scope.js";
import { shownAs, toggleShown } from "../state/shown.js";
import { closeTab, turn } from "../state/tabs.js";
import { flip, show, toggleRail, ui } from "../state/ui.js";
import { fit, flow, heading, select, selectedIds, selectedWires, zoomTo } from "../state/view.js";
import { keepVersion, nameThisVersion } from "../state/versions.js";
import { compare, view, viewWire } from "../state/viewer.js";
import { downloadWorkflow, openFromDisk, saveCopy } from "../state/workflows.js";
import { dissolve, goInside, group, leave, renamePort, selectedGroups } from "./grouping.js";
import { copy, duplicate, openPalette, pasteFrom, pointerSpot } from "./adding.js";
import { keysOf, keyText } from "./keys.js";
import { rewrite, writeNew } from "./naming.js";

const some = () => selectedIds().length > 0;
const cards = () => selectedIds().filter((id) => !isAnnotation(id));
const someCards = () => cards().length > 0;
/** [node id, name] of the widget whose menu is open, or that has the focus. */
const theWidget = () => ui.menu?.widget ?? document.activeElement?.closest("[data-widget]")?.dataset.widget.split(".");
/** Does the group show that port or widget of a node inside? */
const shownOn = ([id, ...place], side = place[0]) => shownAs(id, side, place.at(-1)) !== null;
const several = (count) => () => selectedIds().length >= count;

// name: never changes, keys are kept by it. everywhere: while typing too. node, wire, pane, widget: in that context menu.
// when: whether it can be done now. now: what it would do now, in a menu. detail: what it would do it to.
export const actions = [
  { name: "run", label: "Run", group: "Run", keys: ["Ctrl+Enter"], everywhere: true, when: () => !run.active, perform: () => runNodes() },
  { name: "run-here", label: "Run to here", group: "Run", keys: ["Ctrl+Shift+Enter"], everywhere: true, node: true, when: someCards, perform: () => runNodes(cards()) },
  { name: "run-first", label: "Run before all that wait", group: "Run", keys: ["Ctrl+Alt+Enter"], everywhere: true, perform: () => runNodes(null, { first: true }) },
  { name: "cancel", label: "Cancel the run", group: "Run", keys: ["Ctrl+."], everywhere: true, when: () => run.active, perform: cancelRun },

  { name: "add", label: "Add a node…", group: "Edit", keys: ["Tab", "Space", "Shift+A"], pane: true, perform: () => openPalette() },
  { name: "undo", label: "Undo", group: "Edit", keys: ["Ctrl+Z"], when: () => session.undo !== null, perform: undo, detail: () => session.undo },
  { name: "redo", label: "Redo", group: "Edit", keys: ["Ctrl+Shift+Z", "Ctrl+Y"], when: () => session.redo !== null, perform: redo, detail: () => session.redo },
  { name: "cut", label: "Cut", group: "Edit", keys: ["Ctrl+X"], node: true, when: some, perform: () => (copy(), removeSelected()) },
  { name: "copy", label: "Copy", group: "Edit", keys: ["Ctrl+C"], node: true, when: some, perform: copy },
  { name: "paste", label: "Paste", group: "Edit", keys: ["Ctrl+V"], pane: true, viaClipboard: true, perform: () => pasteFrom() },
  { name: "duplicate", label: "Duplicate", group: "Edit", keys: ["Ctrl+D"], node: true, when: some, perform: duplicate },
  { name: "delete", label: "Delete", group: "Edit", keys: ["Delete", "Backspace"], node: true, wire: true, when: () => some() || selectedWires().length > 0, perform: removeSelected },
  { name: "dissolve", label: "Delete and reconnect", group: "Edit", keys: ["Alt+Delete", "Alt+Backspace"], node: true, when: someCards, perform: () => (dissolveNodes(cards()), refocus()) },
  { name: "select-all", label: "Select all", group: "Edit", keys: ["Ctrl+A"], pane: true, perform: () => select(nodeIds()) },
  { name: "bypass", label: "Bypass", group: "Edit", keys: ["M"], node: true, when: someCards, perform: () => toggleMode("bypass") },
  { name: "mute", label: "Mute", group: "Edit", keys: ["Ctrl+M"], node: true, when: someCards, perform: () => toggleMode("mute") },
  { name: "port", label: "Make it a port, or a widget again", group: "Edit", keys: ["Ctrl+Alt+P"], everywhere: true, widget: true, when: () => Boolean(theWidget()), now: () => (isPort(...theWidget()) ? "Make it a widget again" : "Make it a port"), perform: (widget = theWidget()) => togglePort(...widget) },
  { name: "reset-widget", label: "Back to its default", group: "Edit", keys: ["Ctrl+Alt+Backspace"], everywhere: true, widget: true, when: () => Boolean(theWidget()), perform: (widget = theWidget()) => resetWidget(...widget) },
  { name: "reset", label: "Back to the defaults", group: "Edit", keys: [], node: true, when: someCards, perform: () => resetNodes(cards()) },
  { name: "keep-preset", label: "Keep the settings as a preset…", group: "Edit", keys: [], node: true, when: () => cards().length === 1, perform: () => keepPreset(cards()[0]) },
  { name: "show-widget", label: "Show on the group", group: "Edit", keys: [], widget: true, when: () => Boolean(theWidget() && scopeOf(theWidget()[0])), now: () => (shownOn(theWidget(), "widget") ? "Take off the group" : "Show on the group"), perform: ([id, name] = theWidget()) => toggleShown(id, "widget", name) },
  { name: "show-port", label: "Show a port on the group", group: "Edit", keys: [], port: true, when: () => Boolean(ui.menu?.port && scopeOf(ui.menu.port[0])), now: () => (shownOn(ui.menu.port) ? "Take off the group" : "Show on the group"), perform: ([id, side, name]) => toggleShown(id, side, name) },
  { name: "rename-port", label: "Rename on the group…", group: "Edit", keys: [], port: true, when: () => Boolean(ui.menu?.port && (shownOn(ui.menu.port) || groupAt(ui.menu.port[0]) !== null)), perform: renamePort },
  { name: "reroute", label: "Lead the wire round a point", group: "Edit", keys: [], wire: true, when: () => selectedWires().length === 1, perform: () => reroute(selectedWires()[0]) },
  { name: "rename", label: "Rename…", group: "Edit", keys: ["F2"], node: true, when: some, perform: () => rewrite(selectedIds()[0]) },

  { name: "collapse", label: "Collapse", group: "Arrange", keys: ["H"], node: true, when: someCards, perform: collapse },
  { name: "tidy", label: "Tidy up", group: "Arrange", keys: ["L"], node: true, pane: true, perform: tidy },
  { name: "group", label: "Group", group: "Arrange", keys: ["Ctrl+G"], node: true, when: someCards, perform: group },
  { name: "ungroup", label: "Dissolve the group", group: "Arrange", keys: ["Ctrl+Shift+G"], node: true, when: () => selectedGroups().length > 0, perform: dissolve },
  { name: "enter", label: "Go inside", group: "Arrange", keys: ["Enter"], node: true, when: () => selectedGroups().length === 1, perform: () => goInside() },
  { name: "leave", label: "Leave the group", group: "Arrange", keys: ["Alt+ArrowUp"], pane: true, when: () => trail.value.length > 0, perform: () => leave() },
  { name: "keep-group", label: "Save to the library…", group: "Arrange", keys: [], node: true, when: () => selectedGroups().length === 1, perform: () => keepGroup(selectedGroups()[0]) },
  { name: "frame", label: "Frame", group: "Arrange", keys: ["Ctrl+J"], node: true, pane: true, perform: () => writeNew(addFrame()) },
  { name: "note", label: "Add a note", group: "Arrange", keys: ["Shift+N"], pane: true, perform: () => writeNew(addNote(pointerSpot() ?? undefined)) },
  { name: "pin", label: "Pin", group: "Arrange", keys: ["P"], node: true, when: some, perform: togglePin },
  { name: "snap", label: "Snap to the grid", group: "Arrange", keys: ["Shift+G"], perform: () => flip("snap") },
  ...[["left", "Align left", "Alt+A"], ["centre", "Align centres", "Alt+H"], ["right", "Align right", "Alt+D"], ["top", "Align top", "Alt+W"], ["middle", "Align middles", "Alt+V"], ["bottom", "Align bottom", "Alt+S"]].map(
    ([edge, label, keys]) => ({ name: `align-${edge}`, label, group: "Arrange", keys: [keys], when: several(2), perform: () => align(edge) }),
  ),
  { name: "distribute-x", label: "Distribute across", group: "Arrange", keys: ["Alt+Shift+H"], when: several(3), perform: () => distribute("x") },
  { name: "distribute-y", label: "Distribute down", group: "Arrange", keys: ["Alt+Shift+V"], when: several(3), perform: () => distribute("y") },

  { name: "view", label: "Show in the viewer", group: "Look", keys: ["V"], node: true, when: someCards, perform: () => view(cards()[0]) },
  { name: "view-wire", label: "Look at what flows here", group: "Look", keys: ["Shift+V"], wire: true, when: () => selectedWires().length > 0, perform: () => viewWire(selectedWires()[0]) },
  { name: "compare", label: "Compare in the viewer", group: "Look", keys: ["C"], node: true, when: someCards, perform: () => compare(cards()) },
  { name: "shapes", label: "Shapes on the wires", group: "Look", keys: ["Shift+S"], perform: () => flip("shapes") },
  { name: "times", label: "Times and memory on the nodes", group: "Look", keys: ["Shift+T"], pane: true, perform: () => flip("times") },
  { name: "wires", label: "Hide or show the wires", group: "Look", keys: ["Shift+W"], perform: () => flip("wires") },

  { name: "find", label: "Find…", group: "View", keys: ["Ctrl+F"], everywhere: true, pane: true, perform: () => (ui.finding = true) },
  { name: "commands", label: "All commands…", group: "View", keys: ["Ctrl+K"], everywhere: true, perform: () => (ui.commands = true) },
  { name: "fit", label: "Fit all", group: "View", keys: ["Home", "Shift+1"], pane: true, perform: () => fit() },
  { name: "fit-selection", label: "Zoom to the selection", group: "View", keys: ["F"], node: true, perform: () => fit(some() ? flow.getSelectedNodes.value : undefined) },
  { name: "next-node", label: "Next node", group: "View", keys: ["Alt+ArrowRight"], perform: () => walk(1) },
  { name: "previous-node", label: "Previous node", group: "View", keys: ["Alt+ArrowLeft"], perform: () => walk(-1) },
  { name: "zoom-in", label: "Zoom in", group: "View", keys: ["Ctrl++", "Ctrl+="], perform: () => zoomTo(heading().zoom * 1.2) },
  { name: "zoom-out", label: "Zoom out", group: "View", keys: ["Ctrl+-"], perform: () => zoomTo(heading().zoom / 1.2) },
  { name: "actual-size", label: "Actual size", group: "View", keys: ["Ctrl+0"], perform: () => zoomTo(1) },
  { name: "library", label: "Node library", group: "View", keys: ["Ctrl+L"], perform: () => toggleRail("library") },
  { name: "workflows", label: "Workflows", group: "View", keys: ["Ctrl+O"], perform: () => toggleRail("workflows") },
  { name: "queue", label: "Queue", group: "View", keys: ["Ctrl+Shift+Q"], perform: () => toggleRail("queue") },
  { name: "history", label: "History", group: "View", keys: ["Ctrl+H"], perform: () => toggleRail("history") },
  { name: "cache", label: "Cache", group: "View", keys: [], perform: () => toggleRail("cache") },
  { name: "models", label: "Models", group: "View", keys: ["Ctrl+Shift+M"], perform: () => toggleRail("models") },
  { name: "versions", label: "Versions", group: "View", keys: ["Ctrl+Shift+H"], perform: () => toggleRail("versions") },
  { name: "inspector", label: "Inspector", group: "View", keys: ["N"], pane: true, when: () => !ui.app, now: () => (ui.inspector ? "Close the inspector" : "Inspector"), perform: () => flip("inspector") },
  { name: "inspect", label: "Go into the inspector", group: "View", keys: ["Alt+N"], node: true, wire: true, when: () => !ui.app, perform: inspect },
  { name: "alone", label: "Only the canvas", group: "View", keys: ["Shift+F"], pane: true, now: () => (ui.alone ? "Show the rest" : "Only the canvas"), perform: () => (ui.alone = !ui.alone) },
  { name: "minimap", label: "Minimap", group: "View", keys: ["Shift+M"], pane: true, perform: () => flip("minimap") },
  { name: "theme", label: "Light or dark", group: "View", keys: [], perform: () => (ui.theme = ui.theme === "dark" ? "light" : "dark") },
  { name: "keys", label: "Keyboard shortcuts", group: "View", keys: ["Shift+?"], pane: true, perform: () => (ui.keys = !ui.keys) },

  { name: "app", label: "App view", group: "View", keys: ["Ctrl+E"], everywhere: true, perform: () => show(ui.app ? "graph" : "app") },
  { name: "gallery", label: "Start page", group: "File", keys: ["Ctrl+Shift+O"], perform: () => (ui.gallery = !ui.gallery) },
  { name: "next-tab", label: "Next workflow", group: "File", keys: ["Alt+PageDown"], perform: () => turn(1) },
  { name: "previous-tab", label: "Previous workflow", group: "File", keys: ["Alt+PageUp"], perform: () => turn(-1) },
  { name: "close-tab", label: "Close this workflow’s tab", group: "File", keys: [], perform: () => closeTab(session.name) },
  { name: "save", label: "Save", group: "File", keys: ["Ctrl+S"], everywhere: true, perform: saveVersion },
  { name: "name-version", label: "Keep this version…", group: "File", keys: [], perform: nameThisVersion },
  { name: "save-copy", label: "Save a copy…", group: "File", keys: ["Ctrl+Shift+S"], everywhere: true, perform: saveCopy },
  { name: "download", label: "Download as a file", group: "File", keys: [], perform: downloadWorkflow },
  { name: "open-file", label: "Open a file…", group: "File", keys: [], perform: openFromDisk },
];

const byName = new Map(actions.map((each) => [each.name, each]));
export const action = (name) => byName.get(name);
export const enabled = (each) => !each.when || each.when();

export function perform(name) {
  const chosen = byName.get(name);
  if (enabled(chosen)) chosen.perform();
}

/** "Undo Move (Ctrl+Z)" */
export function tooltip(name) {
  const { label, detail } = byName.get(name);
  const more = detail?.() ? ` ${detail().toLowerCase()}` : "";
  const [keys] = keysOf(name);
  return `${label}${more}${keys ? `  ${keyText(keys)}` : ""}`;
}

// What takes more than a line

function removeSelected() {
  removeNodes(selectedIds(), selectedWires());
  refocus();
}

/** The focused node is gone with its focus; without this the next shortcut would go to the body. */
const refocus = () => flow.vueFlowRef.value.focus({ preventScroll: true });

/** A point in the middle of the wire, a little aside, to be dragged. */
function reroute(key) {
  const via = records.get(key).via ?? [];
  const edge = flow.findEdge(key);
  const [x, y] = wireMiddle(edge, via);
  addVia(key, placeOf([x, y], edge, via), [x, y + 40]);
}

/** Open the inspector and give it the focus, whatever is selected. */
function inspect() {
  if (!ui.inspector) flip("inspector");
  nextTick(() => document.querySelector(".inspector")?.focus({ preventScroll: true }));
}

async function saveVersion() {
  if (await keepVersion()) say("Kept as a version. Every edit is saved as you make it.");
}

function toggleMode(mode) {
  setMode(cards(), cards().every((id) => modeOf(id) === mode) ? null : mode);
}

function collapse() {
  const collapsed = !cards().every((id) => layoutOf(id).collapsed);
  setLayouts(cards(), { collapsed }, collapsed ? "Collapse" : "Expand");
}
