// Sizes of usual shapes. A widget's legal values are lo, lo + step, ... up to hi.
export const RATIOS = ["1:1", "16:9", "9:16", "4:3", "3:4", "21:9"];

const numberOf = (ratio) => ratio.split(":").reduce((across, down) => across / down);
const steps = ({ lo, hi, step }, value, round) => Math.min(lo + Math.floor((hi - lo) / step) * step, Math.max(lo, lo + round((value - lo) / step) * step));

/** The legal value nearest to `value` times `factor`. */
export const scaled = (value, factor, widget) => steps(widget, value * factor, Math.round);

/** [width, height] of a ratio and about an area: of the legal sizes around the exact one that which is least off. */
export function shaped(ratio, area, width, height) {
  const wanted = numberOf(ratio);
  const around = (widget, exact) => [steps(widget, exact, Math.floor), steps(widget, exact, Math.ceil)];
  const off = ([w, h]) => 2 * Math.abs(Math.log(w / h / wanted)) + Math.abs(Math.log((w * h) / area));
  const sizes = around(width, Math.sqrt(area * wanted)).flatMap((w) => around(height, Math.sqrt(area / wanted)).map((h) => [w, h]));
  return sizes.reduce((best, size) => (off(size) < off(best) ? size : best));
}

/** Is that the ratio, as near as whole steps of this size come to it? */
export const isOfRatio = (width, height, ratio) => Math.abs(Math.log(width / height / numberOf(ratio))) < 0.07;
