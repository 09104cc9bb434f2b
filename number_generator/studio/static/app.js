// The page: the state of this tab, the controls that change it, and the sheet that follows.

import { ask, askSheet, Newest, WrongValues } from "./api.js";
import { makeControls } from "./controls.js";
import { announce, find, make } from "./dom.js";
import { makeFiles } from "./files.js";
import { Enlarged, Lines } from "./sheet.js";
import { Store } from "./state.js";
import { makeWritten } from "./written.js";

const PATIENCE_MS = 700; // until it is said why a sheet takes long
const QUIET_MS = 250; // without a change, until it is measured how near the style has come

async function begin() {
  const setup = await ask("describe");
  const store = new Store(setup);
  const pictures = new Map();
  const picture = (name) => {
    const key = `${name} ${store.present.paper_images}`;
    const { paper_images } = store.present;
    if (!pictures.has(key)) {
      pictures.set(key, askSheet("explain", { name, paper_images }));
      pictures.get(key).catch(() => pictures.delete(key)); // so that it is asked for again
    }
    return pictures.get(key);
  };
  const controls = makeControls(setup, store, picture);
  const written = makeWritten(setup, store);
  const enlarged = new Enlarged();
  const scanned = setup.scans === null ? null : new Scanned(setup, enlarged);
  const near = setup.scans === null ? null : new Near();
  const sheet = new Sheet([controls, written], enlarged, scanned, near);
  makeFiles(store, setup.start.name.endsWith(".toml") ? setup.start.name : "");
  const refreshTools = makeTools(setup, store);
  const refresh = () => {
    controls.refresh();
    written.refresh();
    refreshTools();
    sheet.ask(store.request());
  };
  store.listen(refresh);
  refresh();
  window.studio = { isSettled: () => !sheet.newest.isBusy && !near?.isBusy }; // for whoever drives the page by a program
}

/** The sheet: asks for the newest state, shows it, and says what is wrong; the last good sheet stays. */
class Sheet {
  constructor(parts, enlarged, scanned, near) {
    this.parts = parts;
    this.scanned = scanned;
    this.near = near;
    this.lines = new Lines(find("lines"), "Line", enlarged);
    this.newest = new Newest((request) => this.draw(request));
    this.asked = "";
  }

  ask(request) {
    const text = JSON.stringify({ ...request, zoom: 0 });
    if (text === this.asked) return;
    this.asked = text;
    this.newest.ask(request);
  }

  async draw(request) {
    const begun = performance.now();
    const waiting = setTimeout(() => this.say("Drawing … compiled code loads first, which takes up to a minute once."), PATIENCE_MS);
    try {
      const drawn = await askSheet("draw", request);
      this.lines.show(drawn.images, drawn.labels);
      this.showWrong({});
      find("toml").textContent = drawn.toml;
      find("command").textContent = drawn.command;
      const less = drawn.images.length < request.count ? ` of ${request.count}, as pages are large` : "";
      const elapsed = Math.round(performance.now() - begun);
      this.say(`${drawn.images.length} lines${less} · drawn in ${Math.ceil(drawn.elapsed_ms)} ms, shown after ${elapsed} ms`);
      find("status").dataset.elapsed = elapsed;
      this.near?.follow(request);
      await this.scanned?.follow(drawn, request.image_width);
    } catch (error) {
      if (!(error instanceof WrongValues)) throw error;
      this.showWrong(error.wrong);
      this.say(`The sheet is that of the last values that were right${nameControls(error.wrong)}.`);
    } finally {
      clearTimeout(waiting);
    }
  }

  say(text) {
    find("status").textContent = text;
  }

  showWrong(wrong) {
    for (const part of this.parts) part.showWrong(wrong);
    const known = new Set(this.parts.flatMap(({ names }) => names));
    const others = Object.entries(wrong).filter(([name]) => !known.has(name));
    find("wrong").textContent = others.map(([, text]) => text).join(" ");
  }
}

/** Return where to look for what is wrong: its control may be out of sight, or left out by a search. */
function nameControls(wrong) {
  const names = Object.keys(wrong).filter(Boolean);
  return names.length ? `; see ${names.join(", ")}` : "";
}

/** The user's scans, on pages as large as those that are drawn. */
class Scanned {
  constructor(setup, enlarged) {
    this.first = 0;
    this.shown = "";
    this.lines = new Lines(find("scanned"), "Scan", enlarged);
    find("scans").hidden = false;
    find("scans-name").textContent = setup.scans;
    find("other-scans").addEventListener("click", () => {
      if (this.page) this.show({ ...this.page, first: this.first + this.page.count }); // none before the first sheet
    });
  }

  async follow({ images, shape }, width) {
    const [, height, most] = shape;
    this.page = { count: images.length, height, width: width.startsWith("auto") ? null : most };
    await this.show({ ...this.page, first: this.first });
  }

  async show(page) {
    const text = JSON.stringify(page);
    if (text === this.shown) return;
    try {
      const { images, labels, unread, first } = await askSheet("scans", page);
      this.shown = text;
      this.first = first;
      this.lines.show(images, labels);
      find("wrong-scans").textContent = unread.length ? `${unread.length} left out: ${unread[0]}` : "";
    } catch (error) {
      if (!(error instanceof WrongValues)) throw error;
      find("wrong-scans").textContent = error.message;
    }
  }
}

/** How near the style has come to the scans: measured once it has stayed as it is for a moment. */
class Near {
  constructor() {
    this.newest = new Newest((table) => this.measure(table));
    this.asked = "";
    this.timer = null;
  }

  get isBusy() {
    return this.timer !== null || this.newest.isBusy;
  }

  follow({ base, changes, paper_images, digits }) {
    const table = { base, changes, paper_images, digits };
    const text = JSON.stringify(table);
    if (text === this.asked) return;
    this.asked = text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.newest.ask(table);
    }, QUIET_MS);
  }

  async measure(table) {
    if (!find("near").textContent) this.say("Measuring the scans …");
    try {
      const { distance, document, halves, worst } = await ask("near", table);
      const farthest = worst.map(([title, away]) => `${title} ${away.toFixed(2)}`).join(", ");
      const others = `document is ${document.toFixed(2)} away, and the scans’ own halves are ${halves.toFixed(2)} apart`;
      this.say(`${distance.toFixed(2)} away from the scans; ${others}. Farthest: ${farthest}.`);
      find("near").dataset.distance = distance;
    } catch (error) {
      if (!(error instanceof WrongValues)) throw error;
      this.say(error.message);
    }
  }

  say(text) {
    find("near").textContent = text;
  }
}

/** Wire what is at the top, and return what shows another state there. */
function makeTools(setup, store) {
  const starts = find("start");
  const base = (name) => ({ name, base: name, changes: {}, paper_images: "" });
  const known = new Map(Object.keys(setup.styles).map((name) => [name, base(name)]));
  known.set(setup.start.name, setup.start);
  starts.addEventListener("change", () => store.begin(known.get(starts.value)));
  find("undo").addEventListener("click", () => store.undo());
  find("redo").addEventListener("click", () => store.redo());
  find("reset").addEventListener("click", () => {
    store.begin(store.present.start);
    announce("All parameters are reset");
  });
  document.addEventListener("keydown", (event) => {
    const isText = ["text", "number", "search"].includes(event.target.type);
    if (!(event.ctrlKey || event.metaKey) || isText || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) store.redo();
    else store.undo();
  });
  return () => {
    const { start } = store.present;
    known.set(start.name, start);
    if (starts.options.length !== known.size) {
      starts.replaceChildren(...[...known.keys()].map((name) => make("option", { value: name }, name)));
    }
    starts.value = start.name;
    find("undo").disabled = !store.past.length;
    find("redo").disabled = !store.future.length;
  };
}

begin().catch((error) => {
  find("wrong").textContent = error instanceof WrongValues ? error.message : `The page has failed: ${error.message}`;
  throw error;
});
