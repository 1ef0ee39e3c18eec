// Fuzzy search as artists type it: word starts count most, letters in order count some.

function scoreText(needle, text) {
  const hay = text.toLowerCase();
  const at = hay.indexOf(needle);
  if (at === 0) return 100 - hay.length * 0.1;
  if (at > 0) return (/[\s_/-]/.test(hay[at - 1]) ? 80 : 60) - at * 0.1;
  let from = 0;
  let gaps = 0;
  for (const letter of needle) {
    const found = hay.indexOf(letter, from);
    if (found < 0) return 0;
    gaps += found - from;
    from = found + 1;
  }
  return Math.max(1, 40 - gaps);
}

/** Best first; every word of the query must be found in some field. fields(item) -> [[text, weight], ...] */
export function search(items, query, fields) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return items;
  const scored = [];
  for (const item of items) {
    const texts = fields(item);
    let total = 0;
    for (const word of words) {
      const best = Math.max(...texts.map(([text, weight]) => scoreText(word, text) * weight));
      if (best <= 0) {
        total = 0;
        break;
      }
      total += best;
    }
    if (total > 0) scored.push([total, item]);
  }
  return scored.sort((a, b) => b[0] - a[0]).map(([, item]) => item);
}
