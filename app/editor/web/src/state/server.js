// Questions to the server's HTTP API.
import { say } from "./messages.js";

/** The answer (true where it is empty); null where it was refused, which is said in the page. */
export async function request(url, method = "GET", body = undefined) {
  const sent = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(url, { method, ...sent });
  const answer = await response.json();
  if (response.ok) return answer ?? true;
  say(typeof answer.detail === "string" ? answer.detail : "this cannot be done; check the values", "error");
  return null;
}
