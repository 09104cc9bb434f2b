// Lines on canvases: the sheet, the scans beside it, one of them enlarged, and the pictures of parameters.

import { find, make } from "./dom.js";

const MOST_ZOOM = 8;

/** A list of lines, each a button that enlarges it. */
export class Lines {
  constructor(list, word, enlarged) {
    this.list = list;
    this.word = word;
    this.enlarged = enlarged;
    this.items = [];
  }

  /** Show images with their labels; canvases stay, so that the focus does. */
  show(images, labels) {
    this.images = images;
    this.labels = labels;
    while (this.items.length > images.length) this.items.pop().element.remove();
    images.forEach((image, k) => {
      const item = (this.items[k] ??= this.makeItem(k));
      paint(item.canvas, image);
      item.canvas.style.setProperty("--px", image.width);
      item.caption.textContent = labels[k];
      item.button.setAttribute("aria-label", `${this.word} ${k + 1}: ${labels[k]}, enlarge`);
    });
    const widths = images.map(({ width }) => width);
    this.list.style.setProperty("--widest", Math.max(1, ...widths));
    this.list.classList.toggle("same", Math.min(...widths) === Math.max(...widths));
    this.enlarged.refresh(this);
  }

  makeItem(k) {
    const canvas = make("canvas");
    const caption = make("span", { className: "label", "aria-hidden": "true" });
    const button = make("button", { type: "button", onclick: () => this.enlarged.open(this, k) }, canvas, caption);
    const element = make("li", {}, button);
    this.list.append(element);
    return { element, button, canvas, caption };
  }
}

/** One line, as large as the window allows; it follows the sheet. */
export class Enlarged {
  constructor() {
    this.dialog = find("enlarged");
    this.canvas = find("enlarged-line");
    find("before").addEventListener("click", () => this.step(-1));
    find("after").addEventListener("click", () => this.step(1));
    this.dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") this.step(-1);
      if (event.key === "ArrowRight") this.step(1);
    });
  }

  open(lines, k) {
    this.lines = lines;
    this.number = k;
    this.draw();
    this.dialog.showModal();
  }

  step(by) {
    const count = this.lines.images.length;
    this.number = (this.number + by + count) % count;
    this.draw();
  }

  refresh(lines) {
    if (!this.dialog.open || this.lines !== lines) return;
    this.number = Math.min(this.number, lines.images.length - 1);
    this.draw();
  }

  draw() {
    const image = this.lines.images[this.number];
    const zoom = Math.min(MOST_ZOOM, (window.innerWidth - 64) / image.width, (window.innerHeight - 180) / image.height);
    const scale = zoom > 1 ? Math.floor(zoom) : zoom;
    paint(this.canvas, image);
    this.canvas.style.width = `${image.width * scale}px`;
    find("enlarged-title").textContent = `${this.lines.word} ${this.number + 1}: ${this.lines.labels[this.number]}`;
    const shown = scale >= 1 ? `${scale} times as large` : `at ${Math.round(100 * scale)}%`;
    find("enlarged-size").textContent = `${image.width} × ${image.height} px, shown ${shown}`;
  }
}

/** The picture of a parameter: the same lines for each of its values. */
export function makePicture() {
  const element = make("div", { className: "picture" }, make("p", { className: "quiet" }, "Drawing…"));
  return {
    element,
    show({ images, captions }) {
      const each = images.length / captions.length;
      const figures = captions.map((caption, k) => {
        const drawn = images.slice(k * each, (k + 1) * each).map((image) => paint(make("canvas"), image));
        return make("figure", {}, make("figcaption", {}, caption), ...drawn);
      });
      element.replaceChildren(...figures);
    },
    fail: (text) => element.replaceChildren(make("p", { className: "wrong" }, text)),
  };
}

function paint(canvas, image) {
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
