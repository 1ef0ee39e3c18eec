// Earlier results of a node: the node's preview and the viewer step through them together.
import { shallowReactive } from "vue";
import { settingRows } from "./changes.js";
import { records, session } from "./document.js";
import { nodeOf, titleOf } from "./graph.js";
import { say } from "./messages.js";
import { replaceParams } from "./params.js";
import { runId, stateOf } from "./scope.js";

/** node id -> {list: [{at, outputs, settings}], the last first; place: of the one shown} */
const stepped = shallowReactive(new Map());

/** The earlier result that is shown of a node: {at, outputs, settings}; undefined while the present one is. */
export const shownResult = (id) => stepped.get(id)?.list[stepped.get(id).place];
export const placeText = (id) => `${stepped.get(id).place + 1} of ${stepped.get(id).list.length}`;
export const isLast = (id) => stepped.get(id) && stepped.get(id).place === stepped.get(id).list.length - 1;

/** What is shown of a node: an earlier result, or the present one. */
export function viewsOf(id) {
  const shown = shownResult(id);
  if (!shown) return stateOf(id)?.views ?? [];
  return Object.entries(shown.outputs).map(([output, digest]) => ({ output, digest, url: `/view/${digest}` }));
}

/** One result back (1) or forth (-1); before the newest of the earlier ones comes the present one. */
export async function step(id, by) {
  const place = (stepped.get(id)?.place ?? -1) + by;
  const list = stepped.get(id)?.list ?? (await load(id));
  if (place < 0) stepped.delete(id);
  else if (place < list.length) stepped.set(id, { list, place });
  else if (!list.length) say(`${titleOf(id)} has no earlier result in this workflow.`);
}

export const backToNow = (id) => stepped.delete(id);

/** What differs between the node's settings now and those of the result shown, then of the nodes that it is made from. */
export function differences(id) {
  const { settings } = shownResult(id);
  const rows = (node, record, prefix) =>
    settingRows(record?.type, record?.params, settings[node]).map((row) => ({ ...row, label: prefix + row.label }));
  const others = Object.keys(settings).filter((node) => node !== runId(id) && nodeOf(node));
  return {
    own: rows(runId(id), nodeOf(id), ""),
    before: others.flatMap((node) => rows(node, records.get(`node:${node}`), `${titleOf(node)}: `)),
  };
}

/** Give the node the settings of the result shown. */
export function takeSettings(id) {
  replaceParams([id], shownResult(id).settings[runId(id)], `Use earlier settings of ${titleOf(id)}`);
}

async function load(id) {
  const query = new URLSearchParams({ node: runId(id) });
  const response = await fetch(`/api/workflows/${encodeURIComponent(session.name)}/results?${query}`);
  const found = await response.json();
  if (!response.ok) {
    say(found.detail, "error");
    return [];
  }
  const present = JSON.stringify(Object.fromEntries((stateOf(id)?.views ?? []).map(({ output, digest }) => [output, digest]).sort()));
  return found.filter(({ outputs }) => JSON.stringify(Object.fromEntries(Object.entries(outputs).sort())) !== present);
}
