// Elements made in one expression.

/** Make an element: attributes, `on...` listeners and properties such as `value`, then children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && !name.includes("-")) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Return the element with an id. */
export function find(id) {
  return document.getElementById(id);
}

/** Return a text with its `code` as elements. */
export function mark(text) {
  return text.split("`").map((piece, k) => (k % 2 ? make("code", {}, piece) : piece));
}

/** Say something to those who hear the page. */
export function announce(text) {
  find("live").textContent = text;
}

/** Show what is wrong with a control, or that nothing is. */
export function showWrong(place, controls, text) {
  place.textContent = text ?? "";
  for (const control of controls) {
    if (text) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }
}
