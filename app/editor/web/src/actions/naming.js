// Names of nodes, groups and frames, and the words of notes, written where they stand.
import { overview } from "../canvas/near.js";
import { fieldComes } from "../state/typeahead.js";
import { ui } from "../state/ui.js";
import { fit, flow, select } from "../state/view.js";

/** Select what was just made and have its words written at once; not where they are painted, too small to be read. */
export function writeNew(id) {
  if (!overview.value) fieldComes();
  requestAnimationFrame(() => {
    select([id]);
    if (!overview.value) ui.renaming = id;
  });
}

/** Have the words of something that is there written anew; what is too far away for it comes near. */
export function rewrite(id) {
  if (overview.value) fit([flow.findNode(id)]);
  ui.renaming = id;
}
