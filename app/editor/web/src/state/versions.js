// The versions of the workflow, as the server keeps them, and the one that the canvas is compared with.
import { computed, shallowReactive } from "vue";
import { changesBetween, same } from "./changes.js";
import { edit, flushEdits, records, session } from "./document.js";
import { say } from "./messages.js";
import { ask } from "./ui.js";

/** list: the last first; chosen: the one compared with; old: its records */
export const versions = shallowReactive({ list: [], loaded: false, chosen: null, old: null });

/** What has changed since the chosen version; null if none is chosen. */
export const sinceThen = computed(() => versions.old && changesBetween(versions.old, records));

export async function loadVersions() {
  const found = await call("GET");
  if (!found) return;
  Object.assign(versions, { list: found, loaded: true });
  if (versions.chosen && !found.some((each) => each.id === versions.chosen.id)) chooseVersion(null);
}

/** Compare the canvas with a version; with the one that it is compared with already, or with null: no more. */
export async function chooseVersion(version) {
  if (!version || version.id === versions.chosen?.id) return Object.assign(versions, { chosen: null, old: null });
  Object.assign(versions, { chosen: version });
  const whole = await call("GET", `/${version.id}`);
  if (versions.chosen?.id !== version.id) return;
  Object.assign(versions, whole ? { old: new Map(Object.entries(whole.records)) } : { chosen: null, old: null });
}

/** Keep the workflow as it is now. */
export async function keepVersion(name = "") {
  await flushEdits();
  const kept = await call("POST", "", { name });
  if (kept) await loadVersions();
  return kept;
}

export async function nameThisVersion() {
  const name = await ask("Keep this version as", "");
  if (name && (await keepVersion(name))) say(`Kept as ${name}; Versions has it.`);
}

export async function renameVersion(version) {
  const name = await ask("Name of the version", version.name);
  if (name === null) return;
  await call("PUT", `/${version.id}`, { name });
  await loadVersions();
}

/** Make the workflow what it was: one edit, so that it can be undone; what it is now is kept as a version first. */
export async function restoreVersion(version) {
  const old = versions.old;
  if (!old || !(await keepVersion())) return;
  edit(`Restore ${version.name || timeText(version.at)}`, (change) => {
    for (const key of records.keys()) if (!old.has(key)) change.remove(key);
    for (const [key, record] of old) if (!same(records.get(key), record)) change.put(key, record);
  });
  chooseVersion(null);
}

/** "14:32" of today, else "12 Nov, 14:32". */
export function timeText(seconds) {
  const [then, now] = [new Date(seconds * 1000), new Date()];
  const time = then.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (then.toDateString() === now.toDateString()) return time;
  const year = then.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return `${then.toLocaleDateString("en-GB", { day: "numeric", month: "short", year })}, ${time}`;
}

async function call(method, path = "", body = undefined) {
  const response = await fetch(`/api/workflows/${encodeURIComponent(session.name)}/versions${path}`, {
    method,
    headers: { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (response.ok) return answer ?? true;
  say(answer.detail, "error");
  return null;
}
