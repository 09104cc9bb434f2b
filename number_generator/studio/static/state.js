// The state of this tab: the style, what is written in it, and what can be undone. A reload keeps it, and a second tab
// has its own.

const MOST_UNDONE = 200;

/** Tell whether two values that JSON can hold are equal. */
export function isEqual(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

export class Store {
  /**
   * A state has `start` (name, base, changes and paper_images of the style that it started from), `changes` and
   * `paper_images` as they are now, and `sheet`. It is never changed, but replaced.
   */
  constructor(setup) {
    this.styles = setup.styles;
    this.listeners = [];
    this.key = `studio ${location.pathname}`; // the token: another run of the command begins anew
    const kept = recall(this.key);
    this.present = kept?.present ?? { ...begin(setup.start), sheet: setup.sheet };
    this.settled = this.present;
    this.past = kept?.past ?? [];
    this.future = kept?.future ?? [];
  }

  listen(listener) {
    this.listeners.push(listener);
  }

  /** Change the state while a slider moves or a box is typed in; `settle` makes it a step that can be undone. */
  preview(changes) {
    this.present = { ...this.present, ...changes };
    this.tell();
  }

  settle() {
    if (isEqual(this.present, this.settled)) return;
    this.past = [...this.past, this.settled].slice(-MOST_UNDONE);
    this.future = [];
    this.keep();
  }

  change(changes) {
    this.preview(changes);
    this.settle();
    this.tell();
  }

  changeSheet(changes) {
    this.change({ sheet: { ...this.present.sheet, ...changes } });
  }

  undo() {
    this.step("past", "future");
  }

  redo() {
    this.step("future", "past");
  }

  step(from, to) {
    this.settle();
    if (!this[from].length) return;
    this[to] = [...this[to], this.present];
    this.present = this[from].at(-1);
    this[from] = this[from].slice(0, -1);
    this.keep();
    this.tell();
  }

  /** Begin with another style; what is written stays. */
  begin(start) {
    this.change(begin(start));
  }

  /** Return the value of a parameter, as JSON holds it. */
  value(name) {
    return this.pick(name, this.present.changes);
  }

  /** Return the value that a parameter started from. */
  first(name) {
    return this.pick(name, this.present.start.changes);
  }

  pick(name, changes) {
    return name in changes ? changes[name] : this.styles[this.present.start.base][name];
  }

  isChanged(name) {
    return !isEqual(this.value(name), this.first(name));
  }

  /** Return the changes of the style with one parameter set. */
  with(name, value) {
    const changes = { ...this.present.changes, [name]: value };
    if (isEqual(value, this.styles[this.present.start.base][name])) delete changes[name];
    return { changes };
  }

  /** Return what the server draws. */
  request() {
    const { start, changes, paper_images, sheet } = this.present;
    return { base: start.base, changes, paper_images, ...sheet };
  }

  keep() {
    this.settled = this.present;
    const { present, past, future } = this;
    try {
      sessionStorage.setItem(this.key, JSON.stringify({ present, past, future }));
    } catch {
      // Without storage, a reload begins anew.
    }
  }

  tell() {
    for (const listener of this.listeners) listener();
  }
}

/** Return the state that a tab kept, or null. */
function recall(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null; // the browser's settings may forbid all storage
  }
}

function begin(start) {
  return { start, changes: start.changes, paper_images: start.paper_images };
}
