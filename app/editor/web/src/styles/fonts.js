// Inter, bundled beside the script; the browser fetches only the subsets that a page uses.
const RANGES = {
  latin: "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+2000-206F,U+20AC,U+2122,U+2191,U+2193,U+2212,U+2215,U+FEFF,U+FFFD",
  "latin-ext": "U+0100-0130,U+0132-0151,U+0154-02BA,U+02BD-02C5,U+1E00-1E9F,U+1EF2-1EFF,U+20A0-20AB,U+2C60-2C7F,U+A720-A7FF",
  cyrillic: "U+0301,U+0400-045F,U+0490-0491,U+04B0-04B1,U+2116",
  greek: "U+0370-03FF",
  vietnamese: "U+0102-0103,U+0110-0111,U+0128-0129,U+0168-0169,U+01A0-01A1,U+01AF-01B0,U+0300-0309,U+1EA0-1EF9,U+20AB",
};

export function fontFaces(moduleUrl) {
  return Object.entries(RANGES)
    .map(([subset, range]) => {
      const url = new URL(/* @vite-ignore */ `inter-${subset}.woff2`, moduleUrl);
      return `@font-face{font-family:"Inter";font-style:normal;font-weight:100 900;font-display:swap;src:url("${url}") format("woff2");unicode-range:${range}}`;
    })
    .join("\n");
}
