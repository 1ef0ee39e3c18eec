// Which clips on the canvas play: not more at once than a machine without a graphics card can, the nearest to the middle
// of the view; the others show the frame that they came to.
// While the view moves, more than a few hold still.
import { computed, shallowReactive, shallowRef, watch } from "vue";
import { flow, moving } from "../state/view.js";

const AT_ONCE = 16;
const WHILE_MOVING = 4;
/** {figure: ref of an element, plays: ref} for each clip on the page */
const clips = shallowReactive(new Set());
/** Do clips hold the frame that they came to, for the time that the view moves? */
export const waits = computed(() => moving.value && clips.size > WHILE_MOVING);
let timer = 0;

/** A clip takes part: `plays` says whether it is its turn, `leave` ends that. */
export function takePart(figure) {
  const clip = { figure, plays: shallowRef(clips.size < AT_ONCE) };
  clips.add(clip);
  look();
  return { plays: clip.plays, leave: () => (clips.delete(clip), look()) };
}

const look = () => (timer ||= setTimeout(choose, 200));
watch(() => ({ ...flow.viewport.value }), look);
watch(waits, look);

function choose() {
  timer = 0;
  if (waits.value) return;
  const far = ({ figure }) => {
    const box = figure.value?.getBoundingClientRect();
    const aside = box && !figure.value.closest(".vue-flow");
    return aside ? -1 : box ? Math.hypot(box.x + box.width / 2 - innerWidth / 2, box.y + box.height / 2 - innerHeight / 2) : Infinity;
  };
  const ranked = clips.size > AT_ONCE ? [...clips].map((clip) => [far(clip), clip]).sort(([a], [b]) => a - b) : [...clips].map((clip) => [-1, clip]);
  ranked.forEach(([distance, clip], at) => (clip.plays.value = distance < 0 || at < AT_ONCE));
}
