// The queue and the history as the server tells of them: which run goes on, which wait, which were.
import { computed, shallowReactive } from "vue";
import { secondsText } from "./run.js";
import { request } from "./server.js";
import { bytesText } from "./words.js";
import { openWorkflow } from "./workflows.js";

/** runs: those that go on or wait, in order (the first hundred); count: of all; progress: of the one that goes on. */
export const queue = shallowReactive({ runs: [], count: 0, progress: null, last: null, elsewhere: false });
/** Runs that ended, the last first, as far as they were asked for. */
export const past = shallowReactive({ runs: [], loaded: false, more: false });
const PAGE = 30;
export const STORED = "all stored";

export const waiting = computed(() => queue.count - queue.runs.filter((each) => each.state === "running").length);

export function setQueue({ progress = null, ...state }) {
  const ended = state.last !== queue.last;
  Object.assign(queue, { ...state, progress });
  if (ended && past.loaded) loadPast();
}

/** The last runs, or with `more` those before the ones that are there. */
export async function loadPast(more = false) {
  const before = more ? `&before=${past.runs.at(-1).ended}` : "";
  const found = await request(`/api/history?limit=${PAGE}${before}`);
  if (!found) return;
  Object.assign(past, { runs: more ? [...past.runs, ...found] : found, loaded: true, more: found.length === PAGE });
}

export const cancelRunOf = (run) => request(`/api/queue/${run}/cancel`, "POST");
export const moveRun = (run, before) => request(`/api/queue/${run}/move`, "POST", { before });
export const details = (run) => request(`/api/history/${run}`);
export const sweepCells = (sweep) => request(`/api/sweeps/${sweep}`);

export async function forgetRun(run) {
  await request(`/api/history/${run}`, "DELETE");
  await loadPast();
}

/** The exact graph that a run was made by, as a workflow of its own. */
export async function reopenRun(run) {
  const made = await request(`/api/history/${run}/open`, "POST", {});
  if (made) openWorkflow(made.name);
}

/** Queue a run for every point of a grid; over: "node.widget=values" for each axis. True if it was queued. */
export async function startSweep(workflow, over) {
  return (await request("/api/sweeps", "POST", { workflow, over })) !== null;
}

/** "~12 s", ">12 s" where some nodes were never measured, "" where nothing is known, STORED if nothing will run. */
export function forecastText(forecast) {
  if (!forecast) return "";
  if (!forecast.to_run) return STORED;
  if (forecast.unknown === forecast.to_run) return "";
  return `${forecast.unknown ? ">" : "~"}${secondsText(forecast.seconds)}`;
}

/** The forecast in words, for a tooltip. */
export function forecastWords(forecast) {
  if (!forecast) return "";
  const parts = [`${forecast.to_run} to run, ${forecast.cached} stored`];
  if (forecast.unknown) parts.push(`${forecast.unknown} never measured`);
  if (forecast.peak_bytes) parts.push(`up to ${bytesText(forecast.peak_bytes)}`);
  return [parts.join(" · "), ...(forecast.memory ?? [])].join("\n");
}

export { bytesText };
