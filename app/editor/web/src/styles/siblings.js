// Quasar has a few rules for any element that comes after another, within fields that this page has none of. For their sake
// a browser reckons the style of everything anew whenever a node comes or goes.
const OF_ANY = /[+~]\s*(\*|[a-z]+)$/;

/** Take such rules out of a style sheet and those that it imports. */
export function dropSiblingRules(sheet) {
  for (let at = sheet.cssRules.length - 1; at >= 0; at--) {
    const rule = sheet.cssRules[at];
    if (OF_ANY.test(rule.selectorText)) sheet.deleteRule(at);
    else if (rule.styleSheet ?? rule.cssRules?.length) dropSiblingRules(rule.styleSheet ?? rule);
  }
}
