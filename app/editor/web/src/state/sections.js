// Which sections of the inspector are folded away: of this browser.
import { shallowReactive } from "vue";

const KEPT = "patchloom.folded";
const folded = shallowReactive(new Set(JSON.parse(localStorage.getItem(KEPT) ?? "[]")));

export const isFolded = (name) => folded.has(name);

export function setFolded(name, away) {
  if (away) folded.add(name);
  else folded.delete(name);
  localStorage.setItem(KEPT, JSON.stringify([...folded]));
}
