// The models on this machine, as the server finds them in the models folders, and what is being downloaded.
import { shallowReactive } from "vue";
import { say } from "./messages.js";

/** models: {name, part, family, does, bytes, licence, problem}; folders: those that the person added. */
export const shelf = shallowReactive({ home: "", folders: [], models: [], fetching: [], scanning: false, loaded: false });
let again = 0;

/** Asked again each second while the server scans or downloads. */
export async function loadModels() {
  clearTimeout(again);
  take(await call(""));
}

export const lookAgain = async () => take(await call("/look", {}));
export const addFolder = async (path) => take(await call("/folders", { path }));
export const dropFolder = async (path) => take(await call("/folders/drop", { path }));

/** What a repository would bring: {repository, licence, bytes}, or null after saying why not. */
export const offerOf = (name) => call("/offer", { name });

export async function download(name) {
  if (await call("/download", { name })) await loadModels();
}

function take(found) {
  if (!found) return;
  Object.assign(shelf, { ...found, loaded: true });
  clearTimeout(again);
  if (found.scanning || found.fetching.some((each) => !each.done && !each.problem)) again = setTimeout(loadModels, 1000);
}

async function call(path, body) {
  const response = await fetch(`/api/models${path}`, body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const found = await response.json().catch(() => null);
  if (response.ok) return found;
  say(typeof found?.detail === "string" ? found.detail : "The server did not understand; try again.", "error");
  return null;
}
