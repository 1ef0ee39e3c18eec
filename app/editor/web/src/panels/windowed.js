// A long list of rows of one height, of which only those are drawn that are seen, and a few around them. A list that is not
// long is there whole, for who has it read aloud.
import { computed, onMounted, onUpdated, ref } from "vue";

const [AROUND, LONG] = [4, 200];

/** list: ref of the element that scrolls; length: ref. first and last (not drawn any more) of what is drawn, and the room of the rest. */
export function windowed(list, length) {
  const [top, view, height] = [ref(0), ref(400), ref(30)];
  const isLong = computed(() => length.value > LONG);
  const first = computed(() => (isLong.value ? Math.max(0, Math.min(Math.floor(top.value / height.value), length.value - 1) - AROUND) : 0));
  const last = computed(() => (isLong.value ? Math.min(length.value, Math.ceil((top.value + view.value) / height.value) + AROUND) : length.value));
  const above = computed(() => first.value * height.value);
  const below = computed(() => (length.value - last.value) * height.value);

  function look() {
    top.value = list.value.scrollTop;
    view.value = list.value.clientHeight;
    height.value = list.value.querySelector("[aria-posinset]")?.offsetHeight || height.value;
  }
  onMounted(look);
  onUpdated(look);

  /** Scroll as little as shows a row whole. */
  function show(index) {
    const room = Number.parseFloat(getComputedStyle(list.value).paddingTop);
    const [low, high] = [index * height.value, (index + 1) * height.value + 2 * room - list.value.clientHeight];
    list.value.scrollTop = Math.min(low, Math.max(high, list.value.scrollTop));
    look();
  }
  return { first, last, above, below, look, show };
}
