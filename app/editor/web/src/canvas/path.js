// The course of a wire: it leaves and arrives level, and goes through the points that it was led round by.

/** The corners of a wire, from its output over its points to its input. ends: {sourceX, sourceY, targetX, targetY} */
const corners = ({ sourceX, sourceY, targetX, targetY }, via) => [[sourceX, sourceY], ...via, [targetX, targetY]];

/** How far the curve goes on level before it turns. */
function bend(x1, x2) {
  const across = x2 - x1;
  return across >= 0 ? across / 2 : 8 * Math.sqrt(-across);
}

/** The wire as an SVG path. */
export function wirePath(ends, via = []) {
  const points = corners(ends, via);
  let path = `M${points[0]}`;
  for (let at = 1; at < points.length; at++) {
    const [[x1, y1], [x2, y2]] = [points[at - 1], points[at]];
    const reach = bend(x1, x2);
    path += `C${x1 + reach},${y1} ${x2 - reach},${y2} ${x2},${y2}`;
  }
  return path;
}

/** The middle of the wire, for its label. */
export function wireMiddle(ends, via = []) {
  const samples = wirePoints(ends, via, 2);
  return samples[Math.floor(samples.length / 2)];
}

/** Points along the wire, `steps` to each stretch. */
export function wirePoints(ends, via = [], steps = 12) {
  const points = corners(ends, via);
  const samples = [points[0]];
  for (let at = 1; at < points.length; at++) {
    const [[x1, y1], [x2, y2]] = [points[at - 1], points[at]];
    const reach = bend(x1, x2);
    for (let step = 1; step <= steps; step++) {
      const t = step / steps;
      const [a, b, c, d] = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3];
      samples.push([a * x1 + b * (x1 + reach) + c * (x2 - reach) + d * x2, (a + b) * y1 + (c + d) * y2]);
    }
  }
  return samples;
}

/** Where the point is inserted that leads a wire round by `point`: between the corners that are nearest. */
export function placeOf([x, y], ends, via) {
  const points = corners(ends, via);
  const detour = (at) =>
    Math.hypot(points[at][0] - x, points[at][1] - y) +
    Math.hypot(points[at + 1][0] - x, points[at + 1][1] - y) -
    Math.hypot(points[at + 1][0] - points[at][0], points[at + 1][1] - points[at][1]);
  let best = 0;
  for (let at = 1; at < points.length - 1; at++) if (detour(at) < detour(best)) best = at;
  return best;
}

export function crosses([a, b], [c, d]) {
  const side = ([x1, y1], [x2, y2], [x, y]) => Math.sign((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1));
  return side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b);
}
