// Where a new node comes from: the palette, the clipboard, a copy.
import { parseClip, upToDate } from "../state/clipboard.js";
import { copyText, pasteClip } from "../state/graph.js";
import { ui } from "../state/ui.js";
import { flow, select, selectedIds, toCanvas, viewCentre } from "../state/view.js";

let inMemoryClip = "";

/** Open the palette at a point of the screen (default: the pointer), for a free port if one is given. */
export function openPalette(point = ui.pointer, from = null) {
  ui.menu = null;
  ui.palette = { x: point.x, y: point.y, position: toCanvas(point), from };
}

export function copy() {
  inMemoryClip = copyText(selectedIds());
  navigator.clipboard?.writeText(inMemoryClip).catch(() => {});
}

/** Paste what was copied; false if the text is something else. */
export function pasteFrom(text = inMemoryClip) {
  const clip = parseClip(text);
  const spot = pointerSpot() ?? viewCentre();
  if (clip) upToDate(clip).then((found) => found && paste(found, spot));
  return clip !== null;
}

function paste(clip, spot) {
  const ids = pasteClip(clip, spot);
  requestAnimationFrame(() => select(ids));
}

export function duplicate() {
  const nodes = flow.getSelectedNodes.value;
  const corner = { x: Math.min(...nodes.map((node) => node.position.x)), y: Math.min(...nodes.map((node) => node.position.y)) };
  const clip = parseClip(copyText(selectedIds()));
  if (clip) paste(clip, { x: corner.x + 32, y: corner.y + 32 });
}

/** Where the pointer is on the canvas, or null if it is elsewhere. */
export function pointerSpot() {
  const box = flow.vueFlowRef.value.getBoundingClientRect();
  const { x, y } = ui.pointer;
  return x > box.left && x < box.right && y > box.top && y < box.bottom ? toCanvas({ x, y }) : null;
}
