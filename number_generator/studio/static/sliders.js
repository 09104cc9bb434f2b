// Sliders and boxes of one value, of two ends, and of a bell curve: the browser's own inputs, so that keys and screen
// readers work as everywhere.

import { make } from "./dom.js";
import { endsOf, kindOf, stepOf, tidy, withEnds } from "./values.js";

/**
 * Return the parts that change a value that is drawn. `change(value, isSettled)` is called with each new value; the
 * parts have `refresh(value)`, which shows another one of the same kind.
 */
export function makeParts(parameter, kind, value, change) {
  if (kind.startsWith("bell")) return makeBell(parameter, kind, value, change);
  return kind === "one" ? makeOne(parameter, value, change) : makeRange(parameter, kind, value, change);
}

function makeOne(parameter, value, change) {
  const track = makeTrack(parameter, [""], ([only], isSettled) => change(only, isSettled));
  const box = makeBox(parameter.name, change);
  const refresh = (next) => {
    track.refresh([next]);
    box.refresh(next);
  };
  refresh(value);
  return { element: make("div", { className: "value one" }, track.element, box.element), refresh, inputs: [box.element] };
}

function makeRange(parameter, kind, value, change) {
  const { name } = parameter;
  let ends = endsOf(value);
  const set = (low, high, isSettled) => change(withEnds(kind, low, high), isSettled);
  const track = makeTrack(parameter, [", low end", ", high end"], ([low, high], isSettled) => set(low, high, isSettled));
  const low = makeBox(`${name}, low end`, (next, isSettled) => set(next, ends[1], isSettled));
  const high = makeBox(`${name}, high end`, (next, isSettled) => set(ends[0], next, isSettled));
  const refresh = (next) => {
    ends = endsOf(next);
    track.refresh(ends);
    low.refresh(ends[0]);
    high.refresh(ends[1]);
  };
  refresh(value);
  const element = make("div", { className: "value range" }, low.element, track.element, high.element);
  return { element, refresh, inputs: [low.element, high.element] };
}

function makeBell(parameter, kind, value, change) {
  const { name } = parameter;
  let now = value;
  const set = (changes, isSettled) => change(clean({ low: "", high: "", ...now, ...changes }), isSettled);
  // A slider never leaves the limits: where the curve would, it is cut off at them. A box takes what one writes.
  const slide = (changes, isSettled) => set({ ...changes, ...cutOffs({ ...now, ...changes }, parameter) }, isSettled);
  const half = { ...parameter, low: 0, high: (parameter.high - parameter.low) / 2 };
  const setting = (key, put) => (next, isSettled) => put({ [key]: next }, isSettled);
  const mean = makeLabelled("mean", parameter, name, setting("mean", slide), setting("mean", set));
  const sd = makeLabelled("spread", half, `${name}, standard deviation`, setting("sd", slide), setting("sd", set));
  const low = makeBox(`${name}, lowest`, (next, isSettled) => set({ low: next }, isSettled));
  const high = makeBox(`${name}, highest`, (next, isSettled) => set({ high: next }, isSettled));
  const refresh = (next) => {
    now = next;
    mean.refresh(next.mean);
    sd.refresh(next.sd);
    low.refresh(next.low ?? "");
    high.refresh(next.high ?? "");
  };
  refresh(value);
  const cut = make("div", { className: "cut" }, make("span", {}, "cut off at"), low.element, "and", high.element);
  const element = make("div", { className: "value bell" }, mean.element, sd.element, cut);
  return { element, refresh, inputs: [mean.box, sd.box, low.element, high.element] };
}

/** Leave out cut-offs that are empty. */
function clean({ low, high, ...bell }) {
  return { ...bell, ...(low === "" ? {} : { low }), ...(high === "" ? {} : { high }) };
}

/** Return cut-offs at the limits for a bell curve that has none and would leave them; else nothing. */
function cutOffs({ mean, sd, low, high }, { bellReach, ...limits }) {
  if (low !== undefined || high !== undefined) return {};
  const isWithin = mean - bellReach * sd >= limits.low && mean + bellReach * sd <= limits.high;
  return isWithin ? {} : { low: limits.low, high: limits.high };
}

function makeLabelled(word, parameter, name, slide, write) {
  const track = makeTrack({ ...parameter, name }, [""], ([only], isSettled) => slide(only, isSettled));
  const box = makeBox(name, write);
  const element = make("div", { className: "labelled" }, make("span", {}, word), track.element, box.element);
  const refresh = (next) => {
    track.refresh([next]);
    box.refresh(next);
  };
  return { element, refresh, box: box.element };
}

/** A track with a thumb for each suffix of the name; a thumb that meets the other pushes it along. */
function makeTrack(parameter, suffixes, change) {
  const { low, high, name } = parameter;
  const step = stepOf(parameter);
  const fill = make("span", { className: "fill" });
  const values = () => thumbs.map((thumb) => tidy(Number(thumb.value)));
  const move = (k, isSettled) => {
    const next = values();
    for (let other = 0; other < next.length; other++) {
      if ((other < k && next[other] > next[k]) || (other > k && next[other] < next[k])) next[other] = next[k];
    }
    change(next.length > 1 ? keepExact(next, k) : next, isSettled);
  };
  let exact = [];
  // A thumb stands on a step, though its value may lie between two: only what was moved changes.
  const keepExact = (next, k) => next.map((value, j) => (j === k || value !== shown[j] ? value : exact[j]));
  let shown = [];
  const thumbs = suffixes.map((suffix, k) =>
    make("input", {
      type: "range",
      min: low,
      max: high,
      step,
      "aria-label": name + suffix,
      oninput: () => move(k, false),
      onchange: () => move(k, true),
    }),
  );
  const refresh = (next) => {
    exact = next;
    thumbs.forEach((thumb, k) => (thumb.value = next[k] === "" ? low : next[k]));
    shown = values();
    const shares = shown.map((value) => (value - low) / (high - low));
    // One value is shown as its distance from zero, or from the low end.
    const zero = Math.min(1, Math.max(0, -low / (high - low)));
    const filled = shares.length > 1 ? shares : [shares[0], zero];
    fill.style.setProperty("--from", Math.min(...filled));
    fill.style.setProperty("--to", Math.max(...filled));
    // Where both are at the top end, the lower one must be had.
    if (thumbs.length > 1) thumbs[0].style.zIndex = shares[0] > 0.5 ? 2 : 1;
  };
  const element = make("div", { className: thumbs.length > 1 ? "track ends" : "track" }, fill, ...thumbs);
  if (thumbs.length > 1) {
    element.addEventListener("pointerdown", (event) => {
      if (event.target.type === "range") return;
      const box = element.getBoundingClientRect();
      // The middle of a thumb does not reach the ends of the track.
      const thumb = parseFloat(getComputedStyle(element).getPropertyValue("--thumb"));
      const at = low + ((event.clientX - box.left - thumb / 2) / (box.width - thumb)) * (high - low);
      const [first, last] = values();
      const nearest = Math.abs(at - first) < Math.abs(at - last) ? 0 : 1;
      thumbs[nearest].value = at;
      move(nearest, true);
      thumbs[nearest].focus();
      event.preventDefault();
    });
  }
  return { element, refresh };
}

/** A box for an exact number; the server says if it is none, or too large. */
function makeBox(name, change) {
  const read = () => (element.value === "" ? "" : Number(element.value));
  const element = make("input", {
    type: "number",
    step: "any",
    "aria-label": name,
    oninput: () => change(read(), false),
    onchange: () => change(read(), true),
  });
  const refresh = (next) => {
    const text = String(next);
    if (element.value !== text && !(document.activeElement === element && read() === next)) element.value = text;
  };
  return { element, refresh };
}
