// Curves as the server reads them (nodes/curve.py): "smooth 0:0 0.5:1 1:0", points from 0 to 1, straight or by monotone
// cubics between them.
export const AT_MOST = 32;
const round = (number) => Number(number.toFixed(4));

/** {smooth, points: [[x, y]]}; no points where the text is empty or no curve. */
export function readCurve(text) {
  const words = text.trim().split(/\s+/);
  const smooth = words[0] === "smooth";
  const points = words.slice(smooth ? 1 : 0).map((word) => word.split(":").map(Number));
  const sound = points.every(([x, y], at) => Number.isFinite(x) && Number.isFinite(y) && (!at || x > points[at - 1][0]));
  return { smooth, points: sound ? points : [] };
}

export function writeCurve({ smooth, points }) {
  const pairs = points.map((point) => point.map(round).join(":")).join(" ");
  return pairs && smooth ? `smooth ${pairs}` : pairs;
}

/** The curve from end to end as the path of an SVG; `place` puts a point of the curve there. */
export function pathOf({ smooth, points }, place) {
  const write = (x, y) => place([x, y]).map((part) => part.toFixed(2)).join(" ");
  const slopes = smooth && points.length > 1 ? slopesOf(points) : null;
  const parts = points.slice(1).map(([x, y], at) => {
    if (!slopes) return `L ${write(x, y)}`;
    const [before, up] = points[at];
    const third = (x - before) / 3;
    return `C ${write(before + third, up + third * slopes[at])} ${write(x - third, y - third * slopes[at + 1])} ${write(x, y)}`;
  });
  const [first, last] = [points[0], points.at(-1)];
  return `M ${write(0, first[1])} L ${write(...first)} ${parts.join(" ")} L ${write(1, last[1])}`;
}

/** dy/dx at each point: the harmonic mean of those beside it, 0 at a summit; at the ends the one there is. */
function slopesOf(points) {
  const secants = points.slice(1).map(([x, y], at) => (y - points[at][1]) / (x - points[at][0]));
  const inner = secants.slice(1).map((b, at) => (secants[at] * b > 0 ? (2 * secants[at] * b) / (secants[at] + b) : 0));
  return [secants[0], ...inner, secants.at(-1)];
}

/** A point between others keeps its place among them and within the bounds. */
export function movePoint(points, at, [x, y], lo, hi) {
  const least = at ? points[at - 1][0] + 0.01 : 0;
  const most = at < points.length - 1 ? points[at + 1][0] - 0.01 : 1;
  const put = [Math.min(most, Math.max(least, x)), Math.min(hi, Math.max(lo, y))].map(round);
  return points.with(at, put);
}

/** The points with one more, and where it is among them; null if there is no room for it. */
export function addPoint(points, [x, y]) {
  if (points.length >= AT_MOST || points.some(([taken]) => Math.abs(taken - x) < 0.01)) return null;
  const at = points.filter(([other]) => other < x).length;
  return { at, points: points.toSpliced(at, 0, [round(x), round(y)]) };
}

export const PRESETS = [
  ["Rise", "0:0 1:1"],
  ["Fall", "0:1 1:0"],
  ["Swell", "smooth 0:0 0.5:1 1:0"],
  ["Dip", "smooth 0:1 0.5:0 1:1"],
  ["Late rise", "smooth 0:0 0.6:0.1 1:1"],
  ["Early fall", "smooth 0:1 0.4:0.1 1:0"],
];
/** A preset, made for values from 0 to 1, for others. */
export function presetFor(text, lo, hi) {
  const { smooth, points } = readCurve(text);
  return writeCurve({ smooth, points: points.map(([x, y]) => [x, lo + y * (hi - lo)]) });
}
