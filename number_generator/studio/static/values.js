// The values of a parameter, in the plain form that style files hold as well: a number, a pair, or a table.

/** The kinds of values, as they are chosen. */
export const KINDS = {
  one: "one value",
  range: "range",
  bell: "bell curve",
  "range job": "range, once a job",
  "bell job": "bell, once a job",
};

/** Return the kind of a value. */
export function kindOf(value) {
  if (Array.isArray(value)) return "range";
  if (value === null || typeof value !== "object") return "one";
  return `${"mean" in value ? "bell" : "range"}${value.per_job ? " job" : ""}`;
}

/** Return the low and the high end of a value that is one or a range. */
export function endsOf(value) {
  if (Array.isArray(value)) return value;
  return kindOf(value) === "one" ? [value, value] : [value.low, value.high];
}

/** Return a value of a kind with these ends. */
export function withEnds(kind, low, high) {
  if (kind === "one") return low;
  return kind === "range" ? [low, high] : { low, high, per_job: true };
}

/** Return a step that divides the limits into some two hundred, and is easy to read. */
export function stepOf({ low, high }) {
  const rough = (high - low) / 200;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999);
}

/** Return a number without what binary fractions leave behind. */
export function tidy(number) {
  return Number(number.toPrecision(10));
}

/** Return a value of another kind that is near the old one. */
export function toKind(value, kind, parameter) {
  const step = stepOf(parameter);
  const [low, high] = reach(value, parameter);
  const middle = snap((low + high) / 2, step);
  if (kind === "one") return middle;
  const [first, last] = low < high ? [low, high] : widen(low, parameter, step);
  if (kind.startsWith("range")) return withEnds(kind, first, last);
  const bell = { mean: middle, sd: snap((last - first) / 4, step / 5), low: first, high: last };
  return kind === "bell" ? bell : { ...bell, per_job: true };
}

function reach(value, { low, high }) {
  if (!kindOf(value).startsWith("bell")) return endsOf(value).map(Number);
  const { mean, sd } = value;
  return [value.low ?? Math.max(low, mean - 2 * sd), value.high ?? Math.min(high, mean + 2 * sd)].map(tidy);
}

function widen(at, { low, high }, step) {
  const each = (high - low) / 10;
  return [snap(Math.max(low, at - each), step), snap(Math.min(high, at + each), step)];
}

function snap(number, step) {
  return tidy(Math.round(number / step) * step);
}
