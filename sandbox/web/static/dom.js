/** The creation of elements. Text is only ever inserted as text: no part of the page parses markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Create an element. Children may be nodes, strings, nested arrays, or nothing.
 *
 * Attributes that are false or null are left out. `on…` adds a listener, `data` fills the dataset.
 */
export function el(name, attributes = {}, ...children) {
  return furnish(document.createElement(name), attributes, children);
}

/** Create an SVG element in the same way. */
export function svg(name, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, name), attributes, children);
}

/** Replace the children of a node. */
export function fill(node, ...children) {
  node.replaceChildren(...nodes(children));
  return node;
}

/** Return several nodes as one fragment. */
export function together(...children) {
  const fragment = document.createDocumentFragment();
  fragment.append(...nodes(children));
  return fragment;
}

/** Scroll to a node and highlight it for a moment. */
export function pointAt(node) {
  node.scrollIntoView({ block: "nearest" });
  node.classList.add("pointed-at");
  node.addEventListener("animationend", () => node.classList.remove("pointed-at"), { once: true });
}

let lastNumber = 0;

/** Return an id that no other element has. */
export function freshId(stem) {
  lastNumber += 1;
  return `${stem}-${lastNumber}`;
}

function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name in PROPERTIES) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  // Strings are appended as text nodes, which is what makes any message safe to draw.
  node.append(...nodes(children));
  return node;
}

// These must be set as properties: their attributes are only the initial values.
const PROPERTIES = { value: true, checked: true, indeterminate: true };

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}
