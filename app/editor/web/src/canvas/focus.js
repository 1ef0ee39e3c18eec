import { nextTick } from "vue";

/** Focus a field and select what is in it. A node just made is hidden until it is measured, and takes no focus before. */
export function focusWhenShown(field, tries = 30) {
  nextTick(() => {
    const element = field.value;
    element?.focus({ preventScroll: true });
    element?.select();
    if (tries && document.activeElement !== element) requestAnimationFrame(() => focusWhenShown(field, tries - 1));
  });
}
