// The first minute: the gallery, then four hints at what is on the page. Both come by themselves once.
import { ui } from "./ui.js";

const SEEN = "patchloom.toured";
export const STEPS = [
  { at: [".node[data-node=prompt]", ".node"], title: "Say what you want to see", text: "Each box is one stage. Change what is in it; only what a change reaches is made again." },
  { at: [".run-button"], title: "Make it", text: "Ctrl+Enter runs the workflow. You see every step of it in the boxes." },
  { at: [".rail"], title: "Add to it", text: "Tab adds a stage where the pointer is. Drag from a port to see what fits there." },
  { at: [".brand"], title: "Begin anew", text: "All that Patchloom can do is here, ready to open. Shift+? shows every shortcut." },
];

/** Called once the page is loaded. */
export function welcome() {
  if (localStorage.getItem(SEEN)) return;
  if (localStorage.getItem(`${SEEN}.gallery`)) ui.tour = 0;
  else ui.gallery = true;
}

export function endGallery() {
  ui.gallery = false;
  localStorage.setItem(`${SEEN}.gallery`, "yes");
  if (!localStorage.getItem(SEEN)) ui.tour = 0;
}

export function nextHint() {
  if (ui.tour + 1 < STEPS.length) ui.tour += 1;
  else endTour();
}

export function endTour() {
  ui.tour = null;
  localStorage.setItem(SEEN, "yes");
}
