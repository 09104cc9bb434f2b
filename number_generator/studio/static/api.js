// What the page asks the server for. The page's address holds the token, so that relative addresses are enough.

/** An answer that says what is wrong: messages by control; that of no control, "", is of the whole. */
export class WrongValues extends Error {
  constructor(wrong, status) {
    super(Object.values(wrong).join("; "));
    this.wrong = wrong;
    this.status = status;
  }
}

/** Ask for something, and return the answer's bytes; throw WrongValues if the server says what is wrong. */
async function post(name, table) {
  let answer;
  try {
    answer = await fetch(`api/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(table),
    });
  } catch {
    throw new WrongValues({ "": "The studio does not answer: it has ended. Start it again, and open its new address." }, 0);
  }
  if (answer.ok) return answer.arrayBuffer();
  if (answer.status === 422 || answer.status === 409) {
    const { wrong } = await answer.json();
    throw new WrongValues(wrong, answer.status);
  }
  throw new WrongValues({ "": `The studio has failed (status ${answer.status}); its terminal says why.` }, answer.status);
}

/** Ask for a table. */
export async function ask(name, table = {}) {
  return JSON.parse(new TextDecoder().decode(await post(name, table)));
}

/** Ask for a sheet: what is said of it, with `images`, each an ImageData. */
export async function askSheet(name, table) {
  const bytes = await post(name, table);
  const length = new DataView(bytes).getUint32(0, true);
  const about = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
  return { ...about, images: unpack(new Uint8Array(bytes, 4 + length), about) };
}

function unpack(pixels, { shape, widths }) {
  const [count, height, width, channels = 1] = shape;
  return Array.from({ length: count }, (_, k) => {
    const shown = widths ? widths[k] : width;
    const image = new ImageData(shown, height);
    for (let y = 0; y < height; y++) {
      let from = ((k * height + y) * width) * channels;
      let to = y * shown * 4;
      for (let x = 0; x < shown; x++, from += channels, to += 4) {
        image.data[to] = pixels[from];
        image.data[to + 1] = pixels[channels === 3 ? from + 1 : from];
        image.data[to + 2] = pixels[channels === 3 ? from + 2 : from];
        image.data[to + 3] = 255;
      }
    }
    return image;
  });
}

/**
 * Asks for one thing at a time, and then for the newest: what was asked for in between is never sent, so that answers
 * come in order, and none is late.
 */
export class Newest {
  constructor(work) {
    this.work = work;
    this.waiting = null;
    this.isBusy = false;
  }

  async ask(table) {
    this.waiting = table;
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      while (this.waiting !== null) {
        const next = this.waiting;
        this.waiting = null;
        await this.work(next);
      }
    } finally {
      this.isBusy = false;
    }
  }
}
