// What the inspector is of: read anew when another selection is made, never while a box is drawn around nodes, or while
// what is selected is moved.
import { computed } from "vue";
import { flow, selectedIds, selectedWires } from "./view.js";

/** {ids: of nodes, frames and notes; wires: keys} */
export const chosen = computed((before) => {
  if (before && flow.userSelectionActive.value) return before;
  const now = { ids: selectedIds(), wires: selectedWires() };
  return before && same(before.ids, now.ids) && same(before.wires, now.wires) ? before : now;
});

const same = (a, b) => a.length === b.length && a.every((each, at) => each === b[at]);
