// Sizes and times as a person reads them.
const UNITS = [["GB", 1e9], ["MB", 1e6], ["KB", 1e3]];

/** "1.2 GB", "20 GB", "412 MB", "3 KB" */
export function bytesText(bytes) {
  const [unit, size] = UNITS.find(([, size]) => bytes >= size) ?? ["B", 1];
  const count = bytes / size;
  return `${count < 9.95 && size > 1 ? count.toFixed(1).replace(/\.0$/, "") : Math.round(count)} ${unit}`;
}

/** A time in seconds since 1970 as "5 min ago". */
export function agoText(seconds) {
  const passed = Date.now() / 1000 - seconds;
  if (passed < 60) return "just now";
  if (passed < 3600) return `${Math.floor(passed / 60)} min ago`;
  return passed < 86400 ? `${Math.floor(passed / 3600)} h ago` : new Date(seconds * 1000).toLocaleDateString();
}
