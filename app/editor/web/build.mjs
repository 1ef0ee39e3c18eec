// Builds the editor's bundle: one ES module with its CSS inside, and the fonts beside it.
// `node build.mjs` writes ../dist; `node build.mjs --out=FOLDER` writes there (the test of the committed bundle does).
import { copyFile, mkdir, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { build } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const argument = process.argv.find((word) => word.startsWith("--out="));
const out = argument ? resolve(argument.slice("--out=".length)) : join(here, "..", "dist");
const SUBSETS = ["latin", "latin-ext", "cyrillic", "greek", "vietnamese"];

// The bundle names no other host, not even in an error's text: that one asks for nothing is then easy to see.
const withoutForeignAddresses = {
  name: "without-foreign-addresses",
  transform: (code, id) =>
    id.includes("node_modules/marked/") ? code.replaceAll("https://github.com/markedjs/marked", "marked") : null,
};

// Removed first, never rewritten in place: NiceGUI's bundle URL hashes the folder's modification time, and browsers
// keep what they got from that URL for a year.
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await build({
  root: here,
  configFile: false,
  logLevel: "warn",
  plugins: [vue(), withoutForeignAddresses],
  define: { "process.env.NODE_ENV": '"production"', __VUE_PROD_DEVTOOLS__: "false" },
  build: {
    outDir: out,
    emptyOutDir: false,
    lib: { entry: join(here, "src", "index.js"), formats: ["es"], fileName: () => "index.js" },
    // Vue must be the one that NiceGUI runs; two copies do not share reactivity.
    rollupOptions: { external: ["vue"], output: { minify: true } },
  },
});
const inter = join(here, "node_modules", "@fontsource-variable", "inter");
for (const subset of SUBSETS) {
  await copyFile(join(inter, "files", `inter-${subset}-wght-normal.woff2`), join(out, `inter-${subset}.woff2`));
}
await copyFile(join(inter, "LICENSE"), join(out, "inter-OFL.txt"));
