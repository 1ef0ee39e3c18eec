// The browser's replica of the document, and its line to the server. Edits show at once and are sent as diffs; the
// server numbers them, checks the graph and tells the other pages. Nothing is sent while something is dragged.
import { shallowReactive } from "vue";
import { applyDiff, Change, isEmpty } from "./diff.js";
import { say } from "./messages.js";
import { setQueue } from "./queue.js";
import { run, setNodeStates, setRun } from "./run.js";

export const records = shallowReactive(new Map());
export const session = shallowReactive({
  name: "",
  rev: 0,
  loaded: false,
  /** why the workflow cannot be opened; "" if it can */
  refused: "",
  online: true,
  saved: true,
  undo: null,
  redo: null,
});
/** "node.output" -> what is known of that value before a run, as a phrase. */
export const specs = shallowReactive(new Map());
/** node id -> [{level, text, port}] found by the check. */
export const problems = shallowReactive(new Map());

const listeners = new Set();
const unacknowledged = new Map();
let send = () => {};
let nextEdit = Date.now();

/** Called with every diff that changes the replica, whoever made it. */
export function onDiff(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function connect(emit, name) {
  send = emit;
  session.name = name;
}

export async function load() {
  const response = await fetch(`/api/workflows/${encodeURIComponent(session.name)}`);
  if (!response.ok) {
    session.refused = (await response.json()).detail;
    return;
  }
  const snapshot = await response.json();
  const before = new Map(records);
  records.clear();
  for (const [key, value] of Object.entries(snapshot.records)) records.set(key, value);
  for (const pending of unacknowledged.values()) applyDiff(records, pending.diff);
  Object.assign(session, { rev: snapshot.rev, loaded: true, ...snapshot.history });
  setReport(snapshot.report);
  setNodeStates(snapshot.nodes, true);
  setRun(snapshot.run);
  notify({ added: Object.fromEntries(records), updated: {}, removed: Object.fromEntries(before) });
  replayLeftOver();
  send("hello", { user: user(), rev: session.rev });
}

/** Make an edit: `build` fills a Change. `group`: edits of one group in a row are undone as one. */
export function edit(label, build, group = "") {
  if (!session.loaded) return;
  const change = new Change(records);
  build(change);
  if (isEmpty(change.diff)) return;
  applyDiff(records, change.diff);
  // What the server will say in a moment: an undo that is asked for before that goes after the edit all the same.
  Object.assign(session, { saved: false, undo: label, redo: null });
  const id = nextEdit++;
  unacknowledged.set(id, { label, diff: change.diff, group });
  keepLeftOver();
  notify(change.diff);
  send("edit", { id, user: user(), label, group, diff: change.diff });
}

/** Resolves when the server has taken every edit made so far. */
export async function flushEdits() {
  for (let tries = 0; unacknowledged.size && tries < 50; tries++) await new Promise((done) => setTimeout(done, 40));
}

export const undo = () => send("undo", { user: user() });
export const redo = () => send("redo", { user: user() });
/** Queue a run. more: {count} for runs with a seed each, {first} to go before all that wait. */
export function startRun(targets = null, more = {}) {
  // Shown as begun at once; the server says how it really stands.
  if (!run.active) setRun({ active: true, done: 0, total: targets?.length ?? 0, elapsed: 0 });
  send("run", { targets, ...more });
}
export const cancelRun = () => send("cancel", {});

/** Messages of the server, in order. */
export function receive(batch) {
  for (const message of batch) HANDLERS[message.kind]?.(message);
}

const HANDLERS = {
  diff(message) {
    session.rev = message.rev;
    applyDiff(records, message.diff);
    notify(message.diff);
  },
  accepted(message) {
    session.rev = message.rev;
    unacknowledged.delete(message.id);
    keepLeftOver();
  },
  refused(message) {
    unacknowledged.delete(message.id);
    keepLeftOver();
    say(message.text, "error");
    load();
  },
  behind(message) {
    if (message.rev !== session.rev) load();
  },
  history: (message) => Object.assign(session, { undo: message.undo, redo: message.redo }),
  saved: () => Object.assign(session, { saved: true }),
  report: (message) => setReport(message),
  nodes: (message) => setNodeStates(message.nodes, message.whole),
  run: (message) => setRun(message.run),
  queue: (message) => setQueue(message.queue),
  say: (message) => say(message.text, message.level),
};

function notify(diff) {
  for (const listener of listeners) listener(diff);
}

function setReport(report) {
  replaceAll(specs, report.specs);
  replaceAll(problems, report.problems);
}

function replaceAll(map, entries) {
  for (const key of [...map.keys()]) if (!(key in entries)) map.delete(key);
  for (const [key, value] of Object.entries(entries)) {
    if (JSON.stringify(map.get(key)) !== JSON.stringify(value)) map.set(key, value);
  }
}

/** Who undoes what: one person is one browser. */
export function user() {
  let id = localStorage.getItem("patchloom.user");
  if (!id) {
    id = Math.random().toString(36).slice(2);
    localStorage.setItem("patchloom.user", id);
  }
  return id;
}

// Edits that the server has not acknowledged outlive a reload: a restarted server reloads the page.
const leftOverKey = () => `patchloom.unsent.${session.name}`;

function keepLeftOver() {
  sessionStorage.setItem(leftOverKey(), JSON.stringify([...unacknowledged.values()]));
}

function replayLeftOver() {
  const left = JSON.parse(sessionStorage.getItem(leftOverKey()) ?? "[]");
  if (!left.length || unacknowledged.size) return;
  for (const { label, diff, group } of left) {
    edit(label, (change) => {
      for (const key of Object.keys(diff.removed)) change.remove(key);
      for (const [key, value] of Object.entries(diff.added)) change.put(key, value);
      for (const [key, [, to]] of Object.entries(diff.updated)) change.put(key, to);
    }, group);
  }
}
