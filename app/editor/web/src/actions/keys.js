// Which keys stand for which action. Everyone may choose their own; a key stands for one action only.
import { shallowReactive } from "vue";
import { actions, action, enabled } from "./index.js";

const KEPT = "patchloom.keys";
const mac = /Mac|iPhone|iPad/.test(navigator.platform);
/** action name -> the keys that were chosen for it */
const chosen = shallowReactive(JSON.parse(localStorage.getItem(KEPT) ?? "{}"));

export const keysOf = (name) => chosen[name] ?? action(name).keys;
export const isChosen = (name) => name in chosen;

/** The action that those keys stand for now, if any. */
export const ownerOf = (keys) => actions.find((each) => keysOf(each.name).includes(keys));

/** Give keys to an action, and take them from the one that had them. */
export function bind(name, keys) {
  const owner = ownerOf(keys);
  if (owner && owner.name !== name) chosen[owner.name] = keysOf(owner.name).filter((each) => each !== keys);
  if (owner?.name !== name) chosen[name] = [...keysOf(name), keys];
  keep();
}

export function unbind(name, keys) {
  chosen[name] = keysOf(name).filter((each) => each !== keys);
  keep();
}

/** The keys that an action came with; those that another has by now stay there. */
export function resetKeys(name) {
  delete chosen[name];
  const free = action(name).keys.filter((keys) => actions.every((each) => each.name === name || !keysOf(each.name).includes(keys)));
  if (free.length < action(name).keys.length) chosen[name] = free;
  keep();
}

const keep = () => localStorage.setItem(KEPT, JSON.stringify(chosen));

/** Keys as they are printed on the keyboard at hand. */
export function keyText(keys) {
  const named = keys.replace("Enter", "↵").replace("Arrow", "");
  return mac ? named.replace("Ctrl+", "⌘").replace("Shift+", "⇧").replace("Alt+", "⌥") : named;
}

/** A key press as text: "Ctrl+Shift+Z"; "" for a modifier alone. */
export function chord(event) {
  if (["Control", "Shift", "Alt", "Meta", "AltGraph"].includes(event.key)) return "";
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  // With Alt or Shift a key may write something else than is printed on it.
  const named = event.altKey && /^Key[A-Z]$/.test(event.code) ? event.code.slice(3) : event.shiftKey && /^Digit\d$/.test(event.code) ? event.code.slice(5) : key;
  return [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt", event.shiftKey && "Shift", named].filter(Boolean).join("+");
}

/** Run the action that a key press stands for; returns true if there was one. */
export function handleKey(event) {
  const pressed = chord(event);
  const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select");
  const control = event.target.closest?.("button, a, .node-widgets, .clip-view, .inspector") && !pressed.startsWith("Ctrl");
  const meant = pressed && ownerOf(pressed);
  if (!meant || meant.viaClipboard || (!meant.everywhere && (typing || control))) return false;
  if (typing) event.target.dispatchEvent(new Event("change"));
  if (enabled(meant)) meant.perform();
  return true;
}
