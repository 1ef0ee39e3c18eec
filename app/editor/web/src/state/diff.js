// Edits as the server records them: {added: {key: value}, updated: {key: [from, to]}, removed: {key: value}}.
// Keys: node:<id>, wire:<to node>.<to input>, layout:<id>, meta:<name>.

export function emptyDiff() {
  return { added: {}, updated: {}, removed: {} };
}

export function isEmpty(diff) {
  return [diff.added, diff.updated, diff.removed].every((part) => Object.keys(part).length === 0);
}

/** Put a diff into the replica; last writer wins. */
export function applyDiff(records, diff) {
  for (const key of Object.keys(diff.removed)) records.delete(key);
  for (const [key, value] of Object.entries(diff.added)) records.set(key, value);
  for (const [key, [, to]] of Object.entries(diff.updated)) records.set(key, to);
}

/** Collects changes against the replica into one diff. */
export class Change {
  constructor(records) {
    this.records = records;
    this.diff = emptyDiff();
  }

  put(key, value) {
    const before = this.records.get(key);
    if (before === undefined) this.diff.added[key] = value;
    else if (JSON.stringify(before) !== JSON.stringify(value)) this.diff.updated[key] = [before, value];
    return this;
  }

  remove(key) {
    const before = this.records.get(key);
    if (before !== undefined) this.diff.removed[key] = before;
    return this;
  }
}
