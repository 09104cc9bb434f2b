// What is written, and on pages of which size: the controls above the sheet.

import { find, make, showWrong } from "./dom.js";

// Numbers that one writes oneself, by the option of the command that takes them
const WRITTEN = {
  pattern: {
    choice: "own expression …",
    label: "Own expression, or the name of a pattern",
    example: "[1-9]\\d{0,2}(,\\d{3})?",
  },
  country: {
    choice: "phone numbers of countries …",
    label: "Countries: two letters each, as in JP, US; or all",
    example: "JP, US",
  },
  sequences: {
    choice: "own list …",
    label: "Own list: a text file with one number per line",
    example: "numbers.txt",
  },
};
const NOTHING = Object.fromEntries(Object.keys(WRITTEN).map((name) => [name, ""]));

const isNarrow = matchMedia("(max-width: 900px)").matches;

/** Build the controls, and return what shows another state of them, and what is wrong with them. */
export function makeWritten(setup, store) {
  const fields = [
    makeNumbers(setup, store),
    makeText("image_width", "Width, px", store, `${setup.width}`, "a number, auto or auto:MAX"),
    makeText("image_height", "Height, px", store, "as digits", `that of the digits, or ${setup.heights.join(" to ")}`),
    makeText("digits", "Digits", store, "default", "packaged, a name, a file or a folder", setup.digits),
    makeCount(setup, store),
    makeTick("dashes", "Dashes", store, ({ pattern, sequences }) => !pattern && !sequences),
    makeTick("color", "In colour", store),
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

function makeNumbers(setup, store) {
  const select = make(
    "select",
    { id: "numbers" },
    make("option", { value: "" }, "phone numbers"),
    ...Object.entries(WRITTEN).map(([name, { choice }]) => make("option", { value: `${name} …` }, choice)),
    ...setup.patterns.map(([name, text]) => make("option", { value: name, title: text }, `${name}: ${text}`)),
  );
  const text = make("input", { type: "text", id: "numbers-own", spellcheck: false, "aria-label": "Own" });
  const names = new Set(["", ...setup.patterns.map(([name]) => name)]);
  const findKind = (sheet) =>
    Object.keys(WRITTEN).find((name) => sheet[name] && !(name === "pattern" && names.has(sheet.pattern))) ?? null;
  let kind = null; // what the text is: a key of WRITTEN, or null if there is none
  const show = (sheet) => {
    text.hidden = kind === null;
    select.value = kind === null ? sheet.pattern : `${kind} …`;
    if (kind === null) return;
    text.placeholder = WRITTEN[kind].example;
    text.setAttribute("aria-label", WRITTEN[kind].label);
    text.title = WRITTEN[kind].label;
  };
  select.addEventListener("change", () => {
    kind = Object.keys(WRITTEN).find((name) => select.value === `${name} …`) ?? null;
    if (kind === null) store.changeSheet({ ...NOTHING, pattern: select.value });
    else {
      show(store.present.sheet);
      text.value = store.present.sheet[kind];
      text.focus();
    }
  });
  text.addEventListener("change", () => store.changeSheet({ ...NOTHING, [kind]: text.value.trim() }));
  const label = make("label", { className: "field" }, "Numbers", select);
  return makeField("numbers", make("div", { className: "numbers" }, label, text), [select, text], (sheet) => {
    const isBeingWritten = document.activeElement === text;
    if (!isBeingWritten) kind = findKind(sheet);
    show(sheet);
    if (kind !== null && !isBeingWritten) text.value = sheet[kind];
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

/** A switch; `isOf` tells whether it does anything. */
function makeTick(name, title, store, isOf = () => true) {
  const change = () => store.changeSheet({ [name]: box.checked });
  const box = make("input", { type: "checkbox", id: name, onchange: change });
  const element = make("label", { className: "field inline tick" }, box, title);
  const refresh = (sheet) => {
    box.checked = sheet[name];
    element.hidden = !isOf(sheet);
  };
  return { name, element, refresh };
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
