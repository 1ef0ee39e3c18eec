// A type is told by the shape of its socket as well as by its colour. Paths are drawn in a 12 x 12 box.
const CIRCLE = "M6 1.2a4.8 4.8 0 1 0 0 9.6a4.8 4.8 0 1 0 0-9.6z";
const SHAPES = {
  Text: { path: CIRCLE, colour: "text" },
  Clip: { path: "M3 1.5h6a1.5 1.5 0 0 1 1.5 1.5v6a1.5 1.5 0 0 1-1.5 1.5h-6a1.5 1.5 0 0 1-1.5-1.5v-6a1.5 1.5 0 0 1 1.5-1.5z", colour: "clip" },
  Mask: { path: "M1.5 1.5h9v9h-9z", inner: "M6 2.6h3.4v6.8H6z", colour: "mask", hollow: true },
  Latent: { path: "M6 .4L11.6 6L6 11.6L.4 6z", colour: "latent" },
  Patches: { path: "M3.2 1.2h5.6L11.6 6L8.8 10.8H3.2L.4 6z", colour: "patches" },
  Conditioning: { path: "M1.6 1.2L11 6L1.6 10.8z", colour: "conditioning" },
  Trajectory: { path: "M4 .8h4a.8.8 0 0 1 .8.8v8.8a.8.8 0 0 1-.8.8H4a.8.8 0 0 1-.8-.8V1.6A.8.8 0 0 1 4 .8z", colour: "trajectory" },
  SavedFile: { path: "M2.4 1h4.8L9.8 3.6V11H2.4z", colour: "file" },
  Scalar: { path: "M6 3.2a2.8 2.8 0 1 0 0 5.6a2.8 2.8 0 1 0 0-5.6z", colour: "scalar" },
};
const MODEL = { path: "M6 .6L11.6 4.7L9.5 11.3H2.5L.4 4.7z", colour: "model" };

export const socketOf = (type) => SHAPES[type] ?? MODEL;
/** Handles of weights have nothing to look at. */
export const isModel = (type) => !(type in SHAPES);
export const colourOf = (type) => `var(--type-${socketOf(type).colour})`;

/** "Latent" -> "latent", "VideoVAE" -> "video VAE": types as people say them. */
export function typeName(type) {
  if (type === "Scalar") return "value";
  return type.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/\b[A-Z](?=[a-z])/g, (letter) => letter.toLowerCase());
}
