// What the server says of a stored value. Addresses are by content, so what was learned of one holds for ever.
const known = new Map();

/** {media_type, caption, url, text?, tokens?, name?} of the value at an address. */
export async function aboutOf(url) {
  if (!known.has(url)) {
    const response = await fetch(`${url}/about`);
    if (!response.ok) return { media_type: "text/plain", caption: "", text: (await response.json()).detail };
    known.set(url, await response.json());
  }
  return known.get(url);
}

/** The same, if it was learned before. */
export const knownAbout = (url) => known.get(url);
