// A finger that stays down opens the menu, where the browser does not do that by itself.
const [PAUSE, SLACK] = [600, 10]; // milliseconds, pixels

let timer = 0;
let began = null;

export function press(event) {
  release();
  if (event.pointerType !== "touch" || !event.isPrimary) return;
  const { target, clientX, clientY } = (began = event);
  timer = setTimeout(() => target.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true, clientX, clientY })), PAUSE);
}
export function move(event) {
  if (began && Math.hypot(event.clientX - began.clientX, event.clientY - began.clientY) > SLACK) release();
}
export function release() {
  clearTimeout(timer);
  began = null;
}
