// Keys that are typed before the field that they are meant for is there: held back from all else, and given to it.
import { watch } from "vue";
import { ui } from "./ui.js";

/** What opens with a field to write in. */
const FIELDS = ["palette", "finding", "commands", "keys", "question", "picking", "writing", "renaming"];
const EDITABLE = "input:not([type=checkbox]), textarea";
/** Milliseconds after which no field is waited for any longer. */
const PATIENCE = 3000;

/** null, or the keys since a field was announced */
let held = null;
let giveUp = 0;

/** A field is about to take the focus: from now on keys are for it. */
export function fieldComes() {
  held ??= [];
  clearTimeout(giveUp);
  giveUp = setTimeout(letGo, PATIENCE);
}

function letGo() {
  clearTimeout(giveUp);
  held = null;
}

const opened = () => FIELDS.map((name) => ui[name]);
watch(
  opened,
  (now, before) => {
    if (now.some((each, at) => each && each !== before[at])) fieldComes();
    else if (!now.some(Boolean)) letGo();
  },
  { flush: "sync" },
);

addEventListener("keydown", (event) => {
  if (!held || event.isComposing) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!["Control", "Shift", "Alt", "Meta"].includes(event.key)) held.push(event);
}, true);
addEventListener("pointerdown", letGo, true);
// What the field does as it takes the focus, such as to select what is in it, comes first.
addEventListener("focusin", ({ target }) => held && target.matches?.(EDITABLE) && queueMicrotask(() => give(target)));

function give(field) {
  const keys = held ?? [];
  letGo();
  for (const event of keys) {
    const { key, code, ctrlKey, shiftKey, altKey, metaKey } = event;
    const typed = ctrlKey || metaKey ? "" : key.length === 1 ? key : key === "Enter" && field.matches("textarea") ? "\n" : "";
    if (typed) write(field, typed);
    else if (key === "Backspace") write(field, "", field.selectionStart === field.selectionEnd ? 1 : 0);
    else field.dispatchEvent(new KeyboardEvent("keydown", { key, code, ctrlKey, shiftKey, altKey, metaKey, bubbles: true, cancelable: true }));
  }
}

function write(field, text, back = 0) {
  field.setRangeText(text, Math.max(0, field.selectionStart - back), field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
