// Notes are Markdown that may come from anywhere, so what it makes is cleaned: no scripts, no styles, no pictures from
// elsewhere, and links only to the web, opened apart from this page.
import DOMPurify from "dompurify";
import { marked } from "marked";

const TAGS = ["p", "br", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "h1", "h2", "h3", "h4", "hr", "a", "table", "thead", "tbody", "tr", "th", "td"];
const cleaner = DOMPurify();
cleaner.addHook("afterSanitizeAttributes", (element) => {
  if (element.tagName !== "A") return;
  element.setAttribute("target", "_blank");
  element.setAttribute("rel", "noopener noreferrer");
});

export const render = (text) =>
  cleaner.sanitize(marked.parse(text, { gfm: true, breaks: true }), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", "target", "rel"],
    ALLOWED_URI_REGEXP: /^https?:/i,
  });
