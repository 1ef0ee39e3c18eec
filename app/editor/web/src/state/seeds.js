// What a seed does by itself before a run; the server does it, which knows what ran (app/editor/seeds.py).
import { layoutOf, setLayouts } from "./graph.js";

const LARGEST = 2 ** 31;
export const drawn = () => Math.floor(Math.random() * LARGEST);

/** What a seed does on each run. */
export const HABITS = { keep: "stays the same", up: "counts up", new: "is drawn anew" };
export const habitOf = (id, name) => layoutOf(id).seeds?.[name] ?? "keep";

export function nextHabit(id, name, ids) {
  const order = Object.keys(HABITS);
  const habit = order[(order.indexOf(habitOf(id, name)) + 1) % order.length];
  setLayouts(ids, { seeds: { ...layoutOf(id).seeds, [name]: habit } }, `A seed that ${HABITS[habit]}`);
}
