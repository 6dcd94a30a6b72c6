// Drop zone, keys, and forms that are sent once. Every page works without it.
"use strict";

for (const form of document.querySelectorAll("form[data-drop]")) {
  const input = form.querySelector("input[type=file]");
  const status = form.querySelector("[data-status]");
  const send = () => {
    status.textContent = `Predicting ${input.files.length} picture${input.files.length === 1 ? "" : "s"} …`;
  };
  // What the server would refuse is said before it is sent.
  const refusal = () => {
    const files = [...input.files];
    const bytes = files.map((file) => file.size);
    const together = bytes.reduce((sum, size) => sum + size, 0);
    const large = files.find((file) => file.size > Number(form.dataset.fileBytes));
    const megabytes = (count) => `${Math.floor(count / 1e6)} MB`;
    if (files.length > Number(form.dataset.files)) {
      return `${files.length} pictures are too many: at most ${form.dataset.files} at once.`;
    }
    if (large) return `${large.name} is too large: at most ${megabytes(form.dataset.fileBytes)} each.`;
    if (together > Number(form.dataset.bytes) - 1e5) {
      return `These are ${megabytes(together)}: at most ${megabytes(form.dataset.bytes)} together.`;
    }
    return "";
  };
  form.addEventListener("submit", (event) => {
    const words = refusal();
    if (words) {
      event.preventDefault();
      status.textContent = words;
    } else {
      send();
    }
  });
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      form.classList.add("over");
    });
  }
  document.addEventListener("dragleave", () => form.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (event.dataTransfer.files.length) {
      input.files = event.dataTransfer.files;
      form.requestSubmit();
    }
  });
  window.addEventListener("pageshow", () => { status.textContent = ""; });
}

// A second click must not label the next galaxy.
for (const form of document.querySelectorAll("form[data-once]")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  window.addEventListener("pageshow", () => { sent = false; });
}

// How far a finetuning is; the page is shown anew once it is over.
for (const status of document.querySelectorAll("[data-poll]")) {
  const ask = async () => {
    try {
      const state = await (await fetch(status.dataset.poll)).json();
      if (state.stage) {
        status.textContent = state.words;
      } else {
        location.reload();
        return;
      }
    } catch {
      // The server is busy or stopped: ask again.
    }
    setTimeout(ask, 1000);
  };
  setTimeout(ask, 500);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest("input, select, textarea")) return;
  for (const element of document.querySelectorAll("[data-key]")) {
    if (element.dataset.key === event.key && !element.disabled) {
      event.preventDefault();
      element.click();
      return;
    }
  }
});
