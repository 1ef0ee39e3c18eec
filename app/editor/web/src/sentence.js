/** A reason as a sentence of its own: it begins with a capital, unless it begins with a name in quotes. */
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
