// What is written, and on pages of which size: the controls above the sheet.

import { find, make, showWrong } from "./dom.js";

const OWN = "own";

const isNarrow = matchMedia("(max-width: 900px)").matches;

/** Build the controls, and return what shows another state of them, and what is wrong with them. */
export function makeWritten(setup, store) {
  const fields = [
    makePattern(setup, store),
    makeText("image_width", "Width, px", store, `${setup.width}`, "a number, auto or auto:MAX"),
    makeText("image_height", "Height, px", store, "as digits", `that of the digits, or ${setup.heights.join(" to ")}`),
    makeText("digits", "Digits", store, "default", "packaged, a name, a file or a folder", setup.digits),
    makeCount(setup, store),
    makeColour(store),
  ];
  const form = find("written");
  form.append(...fields.map(({ element }) => element));
  if (isNarrow) find("writing").open = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  fields.push(makeSeed(store), makeZoom(store));
  return {
    refresh() {
      for (const field of fields) field.refresh(store.present.sheet);
    },
    showWrong(wrong) {
      for (const field of fields) field.showWrong?.(wrong[field.name]);
      if (fields.some(({ name, element }) => element && wrong[name])) find("writing").open = true;
    },
    names: fields.filter((field) => field.showWrong).map(({ name }) => name),
  };
}

function makePattern(setup, store) {
  const select = make(
    "select",
    { id: "pattern" },
    make("option", { value: "" }, "phone numbers"),
    make("option", { value: OWN }, "own expression …"),
    ...setup.patterns.map(([name, text]) => make("option", { value: name, title: text }, `${name}: ${text}`)),
  );
  const text = make("input", {
    type: "text",
    id: "pattern-own",
    spellcheck: false,
    placeholder: "[1-9]\\d{0,2}(,\\d{3})?",
    "aria-label": "Own expression, or the name of a pattern",
  });
  const names = new Set(setup.patterns.map(([name]) => name));
  let isOwn = false;
  select.addEventListener("change", () => {
    isOwn = select.value === OWN;
    if (isOwn) {
      text.hidden = false;
      text.value = store.present.sheet.pattern;
      text.focus();
    } else store.changeSheet({ pattern: select.value });
  });
  text.addEventListener("change", () => store.changeSheet({ pattern: text.value.trim() }));
  const label = make("label", { className: "field" }, "Numbers", select);
  return makeField("pattern", make("div", { className: "pattern" }, label, text), [select, text], ({ pattern }) => {
    const isListed = pattern === "" || names.has(pattern);
    isOwn = !isListed || (isOwn && select.value === OWN && document.activeElement === text);
    text.hidden = !isOwn;
    select.value = isOwn ? OWN : pattern;
    if (isOwn && document.activeElement !== text) text.value = pattern;
  });
}

function makeText(name, title, store, usual, hint, choices) {
  const input = make("input", {
    type: "text",
    id: name,
    spellcheck: false,
    placeholder: usual,
    title: hint,
    onchange: () => store.changeSheet({ [name]: input.value.trim() }),
  });
  const parts = [title, input];
  if (choices) {
    input.setAttribute("list", `${name}-known`);
    parts.push(make("datalist", { id: `${name}-known` }, ...choices.map((value) => make("option", { value }))));
  }
  return makeField(name, make("label", { className: "field" }, ...parts), [input], (sheet) => {
    input.value = sheet[name];
  });
}

function makeCount(setup, store) {
  const select = make(
    "select",
    { id: "count", onchange: () => store.changeSheet({ count: Number(select.value) }) },
    ...setup.counts.map((count) => make("option", { value: count }, count)),
  );
  return makeField("count", make("label", { className: "field" }, "Lines", select), [select], ({ count }) => {
    select.value = count;
  });
}

function makeColour(store) {
  const box = make("input", { type: "checkbox", id: "color", onchange: () => store.changeSheet({ color: box.checked }) });
  const element = make("label", { className: "field inline tick" }, box, "In colour");
  return { name: "color", element, refresh: ({ color }) => (box.checked = color) };
}

function makeSeed(store) {
  const input = find("seed");
  input.addEventListener("change", () => store.changeSheet({ seed: input.value.trim() }));
  find("new-seed").addEventListener("click", () => {
    store.changeSheet({ seed: String(crypto.getRandomValues(new Uint32Array(1))[0]) });
  });
  const place = find("wrong-seed");
  return {
    name: "seed",
    refresh: ({ seed }) => (input.value = seed),
    showWrong: (text) => showWrong(place, [input], text),
  };
}

function makeZoom(store) {
  const select = find("zoom");
  select.append(...[1, 2, 3, 4].map((zoom) => make("option", { value: zoom }, `${zoom}×`)));
  select.addEventListener("change", () => store.changeSheet({ zoom: Number(select.value) }));
  const usual = isNarrow ? 1 : 2;
  return {
    name: "zoom",
    refresh: ({ zoom = usual }) => {
      select.value = zoom;
      find("sheet").style.setProperty("--zoom", zoom);
    },
  };
}

/** A control with a place beside it that says what is wrong. */
function makeField(name, control, inputs, refresh) {
  const message = make("p", { className: "wrong", id: `wrong-${name}`, role: "alert" });
  for (const input of inputs) input.setAttribute("aria-describedby", message.id);
  const element = make("div", { className: `control ${name}` }, control, message);
  return { name, element, refresh, showWrong: (text) => showWrong(message, inputs, text) };
}
