// What the server keeps of earlier runs: results on disk, values and models in memory, and their budgets.
import { shallowReactive } from "vue";
import { say } from "./messages.js";
import { request } from "./server.js";
import { bytesText } from "./words.js";

export const ORDERS = { used: "Used last", created: "Newest", bytes: "Largest", seconds: "Slowest to make" };
const PAGE = 30;

/** results: the first of them in the order; count, pinned: of all; memory: {values, models} of {bytes, budget}. */
export const cache = shallowReactive({ loaded: false, order: "used", limit: PAGE, bytes: 0, budget: 0, memory: {}, count: 0, pinned: 0, results: [] });

export async function loadCache() {
  const found = await request(`/api/cache?order=${cache.order}&limit=${cache.limit}`);
  if (found) Object.assign(cache, found, { loaded: true });
}

export function orderBy(order) {
  Object.assign(cache, { order, limit: PAGE });
  return loadCache();
}

export function showMore() {
  cache.limit += PAGE;
  return loadCache();
}

export async function pin({ name }, pinned) {
  await request(`/api/cache/${name}/pin`, "POST", { pinned });
  await loadCache();
}

export async function forget({ name }) {
  await tell(await request(`/api/cache/${name}`, "DELETE"));
}

/** Forget all that is not pinned. */
export async function clear() {
  await tell(await request("/api/cache", "DELETE"));
}

/** tier: "disk" or "ram"; size: such as "20 GB". */
export async function setBudget(tier, size) {
  const held = await request("/api/cache/budget", "PUT", { [tier]: size });
  await (held?.results ? tell(held) : loadCache());
}

export async function verify() {
  const found = await request("/api/cache/verify", "POST");
  if (!found) return;
  say(found.damaged ? `${counted(found.damaged, "damaged result")} found and deleted; what needs them makes them again.` : "All that is stored is whole.");
  await loadCache();
}

export const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

async function tell(freed) {
  if (freed) say(`${counted(freed.results, "result")} forgotten, ${bytesText(freed.bytes)} freed.`);
  await loadCache();
}
