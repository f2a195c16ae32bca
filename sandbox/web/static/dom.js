/** Making elements. Text only ever becomes text: nothing here, nor anywhere on the page, reads markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element; children may be nodes, strings, nested arrays, or nothing.
 * Attributes that are false or null are left out; `on…` adds a listener, `data` fills the dataset.
 */
export function el(name, attributes = {}, ...children) {
  return furnish(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function svg(name, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, name), attributes, children);
}

/** Put other children in the place of those that are there. */
export function fill(node, ...children) {
  node.replaceChildren(...nodes(children));
  return node;
}

/** Several nodes as one. */
export function together(...children) {
  const fragment = document.createDocumentFragment();
  fragment.append(...nodes(children));
  return fragment;
}

let lastNumber = 0;

/** An id that no other element has. */
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
  node.append(...nodes(children));
  return node;
}

const PROPERTIES = { value: true, checked: true, indeterminate: true };

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}
