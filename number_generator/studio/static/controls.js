// The parameters in their groups: what the server describes, so that a new one appears by itself.

import { announce, find, make, mark, showWrong } from "./dom.js";
import { makePicture } from "./sheet.js";
import { makeParts } from "./sliders.js";
import { KINDS, kindOf, toKind } from "./values.js";

const MOST_BUTTONS = 3; // choices that are buttons side by side

/** Build all groups, and return what shows another state of them, and what is wrong with them. */
export function makeControls(setup, store, picture) {
  const groups = [];
  for (const described of setup.parameters) {
    const parameter = { ...described, bellReach: setup.bell_reach };
    let group = groups.find(({ name }) => name === parameter.group);
    if (!group) groups.push((group = makeGroup(parameter.group, setup, store)));
    const row = new Row(parameter, store, picture, setup.styles);
    group.rows.push(row);
    group.element.append(row.element);
  }
  groups[0].element.open = true;
  find("groups").append(...groups.map(({ element }) => element));
  const search = () => filter(groups, store);
  find("find").addEventListener("input", search);
  find("changed-only").addEventListener("change", search);
  return {
    refresh() {
      for (const group of groups) group.refresh();
      if (find("changed-only").checked) search();
    },
    showWrong(wrong) {
      for (const group of groups) group.showWrong(wrong);
    },
    names: [...setup.parameters.map(({ name }) => name), "paper_images"],
  };
}

function makeGroup(name, setup, store) {
  const count = make("span", { className: "count" });
  const element = make("details", { className: "group" }, make("summary", {}, make("span", {}, name), count));
  const rows = [];
  const note = make("p", { className: "note quiet" });
  const paper = name === setup.groups.paper ? makePaper(store) : null;
  if (paper) element.append(paper.element);
  if (paper || name === setup.groups.colour) element.append(note);
  return {
    name,
    element,
    rows,
    refresh() {
      for (const row of rows) row.refresh();
      const changed = rows.filter((row) => row.isChanged).length;
      count.textContent = changed ? `${changed} changed` : "";
      note.textContent = "";
      if (paper && !store.present.paper_images) note.textContent = "Without a folder, these draw nothing.";
      if (!paper && !store.present.sheet.color) note.textContent = "In grey, these draw nothing: tick “In colour” above.";
      note.hidden = !note.textContent;
      paper?.refresh();
    },
    showWrong(wrong) {
      for (const row of rows) row.showWrong(wrong[row.name]);
      paper?.showWrong(wrong.paper_images);
      if (rows.some((row) => wrong[row.name])) element.open = true;
    },
  };
}

/** The folder of the user's own paper. */
function makePaper(store) {
  const input = make("input", {
    type: "text",
    id: "paper_images",
    spellcheck: false,
    autocomplete: "off",
    placeholder: "none",
    "aria-describedby": "wrong-paper_images",
    onchange: () => store.change({ paper_images: input.value.trim() }),
  });
  const message = make("p", { className: "wrong", id: "wrong-paper_images", role: "alert" });
  const label = make("label", { className: "field" }, "Folder of pictures of your own paper", input);
  return {
    element: make("div", { className: "paper" }, label, message),
    refresh() {
      if (document.activeElement !== input) input.value = store.present.paper_images;
    },
    showWrong: (text) => showWrong(message, [input], text),
  };
}

/** Show the rows whose names hold the letters, and open their groups. */
function filter(groups, store) {
  const letters = find("find").value.trim().toLowerCase().replaceAll(" ", "_");
  const onlyChanged = find("changed-only").checked;
  let shown = 0;
  for (const { element, rows, name } of groups) {
    let inGroup = 0;
    for (const row of rows) {
      const isNamed = row.name.includes(letters) || name.toLowerCase().includes(letters);
      row.element.hidden = !isNamed || (onlyChanged && !store.isChanged(row.name));
      inGroup += !row.element.hidden;
    }
    element.hidden = !inGroup;
    if (letters || onlyChanged) element.open = inGroup > 0;
    shown += inGroup;
  }
  find("none-found").hidden = shown > 0;
}

/** A parameter: its name, its values, how to reset it, and help. */
class Row {
  constructor(parameter, store, picture, styles) {
    this.parameter = parameter;
    this.name = parameter.name;
    this.store = store;
    this.picture = picture;
    this.styles = styles;
    this.message = make("p", { className: "wrong", id: `wrong-${this.name}`, role: "alert" });
    this.body = make("div", { className: "body" });
    this.reset = make(
      "button",
      {
        type: "button",
        className: "reset",
        "aria-label": `Reset ${this.name}`,
        title: "Reset",
        onclick: () => this.resetValue(),
      },
      "Reset",
    );
    this.help = make("div", { className: "help", id: `help-${this.name}`, hidden: true });
    this.helper = make(
      "button",
      {
        type: "button",
        className: "helper",
        "aria-label": `Help for ${this.name}`,
        "aria-expanded": "false",
        "aria-controls": this.help.id,
        onclick: () => this.toggleHelp(),
      },
      "?",
    );
    const title = make("span", { className: "name", id: `name-${this.name}` }, this.name);
    this.kinds = parameter.scope === "line" || parameter.scope === "glyph" ? this.makeKinds() : null;
    const head = make("div", { className: "head" }, title, this.helper, this.reset, ...(this.kinds ? [this.kinds] : []));
    this.element = make("div", { className: "row", role: "group" }, head, this.body, this.message, this.help);
    this.element.setAttribute("aria-labelledby", title.id);
    this.element.dataset.name = this.name;
  }

  get isChanged() {
    return this.store.isChanged(this.name);
  }

  makeKinds() {
    return make(
      "select",
      {
        className: "kind",
        "aria-label": `${this.name}: kind of values`,
        onchange: () => this.change(toKind(this.store.value(this.name), this.kinds.value, this.parameter), true),
      },
      ...Object.entries(KINDS).map(([kind, text]) => make("option", { value: kind }, text)),
    );
  }

  change(value, isSettled) {
    this.store.preview(this.store.with(this.name, value));
    if (isSettled) {
      this.store.settle();
      this.store.tell();
    }
  }

  resetValue() {
    this.store.change(this.store.with(this.name, this.store.first(this.name)));
    announce(`${this.name} is reset`);
    // The button that had the focus has gone, and with "Changed only" the row.
    (this.element.hidden ? find("changed-only") : this.helper).focus();
  }

  refresh() {
    const value = this.store.value(this.name);
    this.element.classList.toggle("changed", this.isChanged);
    this.reset.hidden = !this.isChanged;
    const kind = this.parameter.scope === "choice" ? "choice" : kindOf(value);
    if (kind !== this.kind) {
      this.kind = kind;
      const change = (next, isSettled) => this.change(next, isSettled);
      this.parts = kind === "choice" ? makeChoice(this.parameter, change) : makeParts(this.parameter, kind, value, change);
      for (const input of this.parts.inputs) input.setAttribute("aria-describedby", this.message.id);
      this.body.replaceChildren(this.parts.element);
      if (this.kinds) this.kinds.value = kind;
    }
    this.parts.refresh(value);
  }

  showWrong(text) {
    showWrong(this.message, this.parts.inputs, text);
  }

  toggleHelp() {
    const isOpen = this.help.hidden;
    this.help.hidden = !isOpen;
    this.helper.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.fillHelp();
  }

  fillHelp() {
    const { scope, unit, text, low, high, choices } = this.parameter;
    const sentence = scope === "share" && unit ? `${unit} ${text}` : text;
    const about = {
      choice: `One of ${choices.join(", ")}.`,
      share: `A number from ${low} to ${high}: a ${unit}.`,
    }[scope];
    const values = Object.entries(this.styles).map(([style, all]) => `${style} ${format(all[this.name])}`);
    const picture = makePicture();
    this.help.replaceChildren(
      make("p", {}, ...mark(`${sentence[0].toUpperCase()}${sentence.slice(1)}.`)),
      make("p", { className: "quiet" }, about ?? `Drawn once per ${scope}, from ${low} to ${high}: ${unit}.`),
      make("p", { className: "quiet" }, `${values.join("; ")}.`),
      picture.element,
    );
    this.picture(this.name).then(picture.show, (wrong) => picture.fail(wrong.message));
  }
}

/** A choice: a few as buttons side by side, more as a list. */
function makeChoice(parameter, change) {
  const { name, choices } = parameter;
  if (choices.length > MOST_BUTTONS) {
    const select = make(
      "select",
      { "aria-label": name, onchange: () => change(select.value, true) },
      ...choices.map((choice) => make("option", { value: choice }, choice)),
    );
    return { element: select, inputs: [select], refresh: (value) => (select.value = value) };
  }
  const inputs = choices.map((choice) =>
    make("input", { type: "radio", name, value: choice, onchange: () => change(choice, true) }),
  );
  const labels = inputs.map((input, k) => make("label", {}, input, make("span", {}, choices[k])));
  const refresh = (value) => {
    for (const input of inputs) input.checked = input.value === value;
  };
  return { element: make("div", { className: "choices" }, ...labels), inputs, refresh };
}

/** Return a value as help shows it. */
function format(value) {
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.join(" to ");
  const body = "mean" in value ? `around ${value.mean} ± ${value.sd}` : `${value.low} to ${value.high}`;
  return value.per_job ? `${body} once a job` : body;
}
