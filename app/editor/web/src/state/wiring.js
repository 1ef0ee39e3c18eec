// May this wire be drawn? Types are checked here at once; what the values are (shapes, latent space, frames) is checked
// by the server, which answers with the reason as a sentence. Answers hold for one revision of the document.
import { fits, inputOf, outputOf } from "./catalogue.js";
import { session } from "./document.js";
import { nodeOf, wires } from "./graph.js";
import { runId } from "./scope.js";

const answers = new Map();
let answersRev = -1;

export function typesFit({ source, sourceHandle, target, targetHandle }) {
  const output = outputOf(nodeOf(source)?.type, sourceHandle);
  const input = inputOf(nodeOf(target)?.type, targetHandle);
  return Boolean(output && input && source !== target && fits(output.type, input));
}

/** The answer if it is known: undefined = not asked yet, null = fits, else the reason. */
export function knownReason(connection) {
  forgetOld();
  return answers.get(keyOf(connection));
}

/** null if the wire fits, else a sentence that says why not. */
export async function reasonAgainst(connection) {
  forgetOld();
  const key = keyOf(connection);
  if (!answers.has(key)) {
    const { source, sourceHandle, target, targetHandle } = connection;
    const query = new URLSearchParams({ source: `${runId(source)}.${sourceHandle}`, target: `${runId(target)}.${targetHandle}` });
    const response = await fetch(`/api/workflows/${encodeURIComponent(session.name)}/why-not?${query}`);
    if (!response.ok) return "The server did not answer; is it still running?";
    answers.set(key, (await response.json()).reason);
  }
  return answers.get(key);
}

/** Would making this wire close a loop? */
export function closesLoop({ source, target }) {
  const before = new Map();
  for (const wire of wires()) before.set(wire.target, [...(before.get(wire.target) ?? []), wire.source]);
  const queue = [source];
  const seen = new Set(queue);
  while (queue.length) {
    const id = queue.pop();
    if (id === target) return true;
    for (const previous of before.get(id) ?? []) if (!seen.has(previous)) seen.add(previous) && queue.push(previous);
  }
  return false;
}

const keyOf = ({ source, sourceHandle, target, targetHandle }) =>
  [source, sourceHandle, target, targetHandle].join("\n");

function forgetOld() {
  if (answersRev === session.rev) return;
  answers.clear();
  answersRev = session.rev;
}
