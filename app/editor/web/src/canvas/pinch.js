// Two fingers zoom wherever they are: over nodes, too, which each of them would drag.
import { ui } from "../state/ui.js";
import { flow } from "../state/view.js";

/** Called with every finger that comes down, before nodes hear of it. */
export function pinch(event) {
  if (event.touches.length !== 2 || ui.connecting || !event.isTrusted) return;
  event.stopPropagation();
  const touches = [...event.touches];
  // What each began alone, as to drag a node or to scrub a number, ends there; the moves of both bubble up to the view.
  for (const touch of touches) {
    touch.target.dispatchEvent(new TouchEvent("touchcancel", { bubbles: true, changedTouches: [touch] }));
    touch.target.dispatchEvent(new PointerEvent("pointercancel", { bubbles: true }));
  }
  flow.d3Selection.value.node().dispatchEvent(new TouchEvent("touchstart", { touches, changedTouches: [...event.changedTouches] }));
}
