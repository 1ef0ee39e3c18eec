// The workflows that are open in this browser tab, side by side; the address names the one that is shown.
import { shallowRef } from "vue";
import { flushEdits, session } from "./document.js";
import { openWorkflow } from "./workflows.js";

const KEPT = "patchloom.tabs";
export const tabs = shallowRef(JSON.parse(sessionStorage.getItem(KEPT) ?? "[]"));

/** Called once the page's workflow is known. */
export function keepTab() {
  if (!tabs.value.includes(session.name)) put([...tabs.value, session.name]);
}

export async function goTo(name) {
  if (name === session.name) return;
  await flushEdits();
  openWorkflow(name);
}

/** The next tab to the right (1) or left (-1), round and round. */
export function turn(direction) {
  const at = tabs.value.indexOf(session.name);
  goTo(tabs.value.at((at + direction) % tabs.value.length));
}

/** Takes a tab away; the workflow stays where it is kept. The last one is not closed. */
export function closeTab(name) {
  if (tabs.value.length < 2) return;
  const at = tabs.value.indexOf(name);
  put(tabs.value.filter((each) => each !== name));
  if (name === session.name) goTo(tabs.value[Math.max(0, at - 1)]);
}

function put(names) {
  tabs.value = names;
  sessionStorage.setItem(KEPT, JSON.stringify(names));
}
