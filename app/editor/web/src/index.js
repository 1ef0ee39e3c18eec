// The bundle's only export is the editor component; its styles go into the page with it.
import flowStyles from "@vue-flow/core/dist/style.css?inline";
import Editor from "./Editor.vue";
import annotationStyles from "./styles/annotations.css?inline";
import appStyles from "./styles/app.css?inline";
import cacheStyles from "./styles/cache.css?inline";
import canvasStyles from "./styles/canvas.css?inline";
import { fontFaces } from "./styles/fonts.js";
import inspectorStyles from "./styles/inspector.css?inline";
import nodeStyles from "./styles/nodes.css?inline";
import groupStyles from "./styles/groups.css?inline";
import panelStyles from "./styles/panels.css?inline";
import { dropSiblingRules } from "./styles/siblings.js";
import queueStyles from "./styles/queue.css?inline";
import startStyles from "./styles/start.css?inline";
import themeStyles from "./styles/theme.css?inline";
import versionStyles from "./styles/versions.css?inline";
import viewerStyles from "./styles/viewer.css?inline";
import widgetStyles from "./styles/widgets.css?inline";

for (const each of document.styleSheets) dropSiblingRules(each);
const sheet = document.createElement("style");
sheet.textContent = [
  fontFaces(import.meta.url),
  flowStyles,
  themeStyles,
  canvasStyles,
  nodeStyles,
  groupStyles,
  widgetStyles,
  panelStyles,
  annotationStyles,
  viewerStyles,
  inspectorStyles,
  versionStyles,
  queueStyles,
  cacheStyles,
  startStyles,
  appStyles,
].join("\n");
document.head.append(sheet);

export { Editor };
