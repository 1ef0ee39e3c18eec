// Quiet messages at the foot of the page: at most three, no two alike.
import { shallowReactive } from "vue";
import { sentence } from "../sentence.js";

export const messages = shallowReactive([]);
let next = 1;

/** action: {label, perform}, a button beside the words. */
export function say(said, level = "info", action = null) {
  const text = sentence(said);
  const same = messages.findIndex((message) => message.text === text);
  if (same >= 0) messages.splice(same, 1);
  const message = { id: next++, text, level, action };
  messages.push(message);
  if (messages.length > 3) messages.shift();
  const stay = level === "error" || action ? 12000 : 5000;
  setTimeout(() => dismiss(message.id), stay);
}

export function dismiss(id) {
  const at = messages.findIndex((message) => message.id === id);
  if (at >= 0) messages.splice(at, 1);
}
