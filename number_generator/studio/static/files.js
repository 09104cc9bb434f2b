// Loading and saving a style file, where the user says, and copying it and the command.

import { ask, WrongValues } from "./api.js";
import { announce, find, showWrong } from "./dom.js";

/** Wire the buttons; `path` is the file that was named when the studio was started, or empty. */
export function makeFiles(store, path) {
  const dialog = find("file");
  const input = find("file-path");
  let act = load;
  input.value = path;

  async function load() {
    const start = await ask("load", { path: input.value });
    store.begin(start);
    announce(`${start.name} is loaded`);
  }

  async function save(overwrite) {
    const saved = await ask("save", { ...store.request(), path: input.value, overwrite });
    announce(`The style is saved as ${saved.path}`);
    find("status").textContent = `Saved as ${saved.path}`;
  }

  async function carryOut(work) {
    try {
      await work();
      dialog.close();
    } catch (error) {
      if (!(error instanceof WrongValues)) throw error;
      const exists = error.status === 409;
      showWrong(find("file-wrong"), [input], exists ? `${input.value} exists already. Replace it?` : error.message);
      find("file-replace").hidden = !exists;
      if (exists) find("file-replace").focus();
      else input.focus();
    }
  }

  function open(title, verb, work) {
    find("file-title").textContent = title;
    find("file-do").textContent = verb;
    find("file-replace").hidden = true;
    showWrong(find("file-wrong"), [input], "");
    act = work;
    dialog.showModal();
    input.focus();
  }

  find("load").addEventListener("click", () => open("Load a style file", "Load", load));
  find("save").addEventListener("click", () => open("Save the style", "Save", () => save(false)));
  find("file-replace").addEventListener("click", () => carryOut(() => save(true)));
  find("file-cancel").addEventListener("click", () => dialog.close());
  input.addEventListener("input", () => (find("file-replace").hidden = true));
  find("file-form").addEventListener("submit", (event) => {
    event.preventDefault();
    carryOut(act);
  });
  makeCopy("copy-toml", "toml", "The style file");
  makeCopy("copy-command", "command", "The command");
}

function makeCopy(button, source, what) {
  find(button).addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(find(source).textContent);
      announce(`${what} is copied`);
      find("status").textContent = `${what} is copied`;
    } catch {
      getSelection().selectAllChildren(find(source));
      announce(`${what} is selected: copy it with the keyboard`);
    }
  });
}
