// What the executor says of each node. It is no part of the document and never enters undo.
import { computed, shallowReactive } from "vue";

/** node id -> {status, step, steps, seconds, started, message, outputs: {name: digest}, preview: url} */
export const nodeStates = shallowReactive(new Map());

/** Seconds of the node that took the longest, of those on show. */
export const slowest = computed(() => Math.max(0, ...[...nodeStates.values()].map(({ seconds }) => seconds ?? 0)));

/** The run in progress, or the last one. */
export const run = shallowReactive({ active: false, done: 0, total: 0, started: 0, node: "" });

/** Milliseconds; ticks only while something runs, so that elapsed times count without messages. */
export const clock = shallowReactive({ now: 0 });
let ticking = null;

export function setNodeStates(states, replace) {
  if (replace) for (const id of [...nodeStates.keys()]) if (!(id in states)) nodeStates.delete(id);
  for (const [id, state] of Object.entries(states)) {
    if (state === null) nodeStates.delete(id);
    else nodeStates.set(id, { ...state, startedAt: performance.now() - (state.elapsed ?? 0) * 1000 });
  }
}

export function setRun(state) {
  if (state.active && !run.active) run.started = performance.now() - (state.elapsed ?? 0) * 1000;
  Object.assign(run, state);
  if (run.active && !ticking) {
    clock.now = performance.now();
    ticking = setInterval(() => (clock.now = performance.now()), 100);
  }
  if (!run.active && ticking) {
    clearInterval(ticking);
    ticking = null;
  }
}

export function secondsText(seconds) {
  if (seconds == null) return "";
  if (seconds < 0.0995) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 9.95 ? 1 : 0)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
