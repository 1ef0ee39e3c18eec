/** A reason as a sentence of its own: it begins with a capital, unless it begins with a name. */
export const sentence = (text) => (/^[a-z]+[\s,;]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text);
