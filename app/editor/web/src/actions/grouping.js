// Groups as a person handles them: make one of the selection, take one apart, go inside and out again.
import { goTo, opened } from "../canvas/sync.js";
import { dissolveGroup, makeGroup } from "../state/groups.js";
import { groupAt, scopeOf, trail } from "../state/scope.js";
import { inputSide, renameShown, shownAs } from "../state/shown.js";
import { ask, ui } from "../state/ui.js";
import { fit, flow, select, selectedIds } from "../state/view.js";
import { writeNew } from "./naming.js";

const focusCanvas = () => flow.vueFlowRef.value.focus({ preventScroll: true });
export const selectedGroups = () => selectedIds().filter((id) => groupAt(id) !== null);

export function group() {
  const id = makeGroup(selectedIds());
  focusCanvas();
  writeNew(id);
}

export function dissolve() {
  const ids = selectedGroups().flatMap(dissolveGroup);
  focusCanvas();
  requestAnimationFrame(() => select(ids));
}

export function goInside(id = selectedGroups()[0]) {
  go([...trail.value, id]);
}

/** Out of the groups that the canvas is inside of, all but `depth` of them; the one that was left is selected. */
export function leave(depth = trail.value.length - 1) {
  const left = trail.value[depth];
  go(trail.value.slice(0, depth));
  requestAnimationFrame(() => select([left]));
}

/** Go to where a node is, by the groups that lead there. */
export function enter(steps, id) {
  go(steps);
  opened();
  requestAnimationFrame(() => (select([id]), fit([flow.findNode(id)], false)));
}

function go(steps) {
  Object.assign(ui, { viewer: null, menu: null, renaming: null });
  focusCanvas();
  goTo(steps);
}

/** Ask what a port or a widget is called on its group. place: [node id, side, name], of the group's node or inside. */
export async function renamePort([id, side, name]) {
  const shown = scopeOf(id) ? shownAs(id, side, name) : null;
  const group = shown === null ? groupAt(id) : scopeOf(id);
  const part = shown === null && side === "input" ? inputSide(group, name) : side;
  const now = await ask("What it is called on the group", shown ?? name);
  if (now) renameShown(group, part, shown ?? name, now);
}
