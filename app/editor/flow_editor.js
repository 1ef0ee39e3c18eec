import { Editor } from "patchloom-editor";
export default Editor;
