// Workflows as files: open, copy, download. A workflow opens by a page load; its address names it.
import { flushEdits, session } from "./document.js";
import { say } from "./messages.js";
import { ask } from "./ui.js";

export const openWorkflow = (name) => location.assign(`/w/${encodeURIComponent(name)}`);

export const listWorkflows = async () => (await fetch("/api/workflows")).json();

export async function saveCopy() {
  const name = await ask("Save a copy as", session.name.replace(/( copy)?$/, " copy"));
  if (!name) return;
  await flushEdits();
  await act(`/api/workflows/${encodeURIComponent(session.name)}/copy`, { name });
}

/** A copy of a shipped workflow. */
export const beginFrom = (shipped) => act(`/api/library/${encodeURIComponent(shipped)}`);

export const newWorkflow = () => act("/api/workflows", { name: "untitled" });

export function downloadWorkflow() {
  const link = document.createElement("a");
  link.href = `/api/workflows/${encodeURIComponent(session.name)}/file`;
  link.download = `${session.name}.loom.json`;
  link.click();
}

export function openFromDisk() {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = ".json";
  input.onchange = () => input.files[0] && openFile(input.files[0]);
  input.click();
}

/** A workflow file that was picked or dropped becomes a workflow of the workspace. */
export async function openFile(file) {
  const name = file.name.replace(/(\.loom)?\.json$/i, "");
  const content = await file.text();
  await act("/api/workflows", { name, content });
}

/** The workflow inside a file that was brought in becomes a workflow of the workspace. */
export const openCarried = (file) => act(`/api/files/${encodeURIComponent(file)}/workflow`);

/** Store a media file in the workspace; returns {name: that a node can read it by, workflow: whether it carries one}. */
export async function uploadFile(file) {
  const response = await fetch(`/api/files/${encodeURIComponent(file.name)}`, { method: "PUT", body: file });
  const answer = await response.json();
  if (!response.ok) {
    say(answer.detail, "error");
    return null;
  }
  return answer;
}

async function act(url, body = {}) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (response.ok) openWorkflow(answer.name);
  else say(answer.detail, "error");
}
