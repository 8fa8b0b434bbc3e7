// Shows how far long work is, event by event. Without this file the form waits for its answer.
"use strict";

const box = document.getElementById("progress");
const bar = document.getElementById("bar");
const now = document.getElementById("now");
const done = document.getElementById("done");

function say(text, address) {
  const line = document.createElement("li");
  const name = document.createElement("bdi");
  name.textContent = text;
  if (address) {
    const link = document.createElement("a");
    link.href = address;
    link.append(name);
    line.append(link);
  } else {
    line.append(name);
  }
  done.append(line);
}

function hear(event, items) {
  if (event.state === "running") {
    if (event.total) {
      bar.max = event.total;
      bar.value = event.done;
    } else {
      bar.removeAttribute("value");
    }
    now.textContent = `${box.dataset.running} ${event.what}`;
  } else if (event.state === "item") {
    items.push(event.address);
    say(`${event.exhibit} ${event.path}`, event.address);
  } else if (event.state === "skipped") {
    items.push("");
    say(`${box.dataset.skipped} ${event.path}: ${event.reason}`);
  } else if (event.state === "told") {
    say(event.text);
  } else if (event.state === "over") {
    bar.max = bar.value = 1;
    now.textContent = event.what ? `${event.what}; ${event.remedy}` : box.dataset.over;
    // One item, and nothing to read here: go and see it.
    if (!event.what && items.length === 1 && items[0]) location.assign(items[0]);
    return true;
  }
  return false;
}

async function listen(form) {
  box.hidden = false;
  done.replaceChildren();
  now.textContent = box.dataset.running;
  bar.removeAttribute("value");
  const body = form.enctype === "multipart/form-data" ? new FormData(form) : new URLSearchParams(new FormData(form));
  const items = [];
  let over = false;
  try {
    const answer = await fetch(form.action, {method: "POST", body, headers: {Accept: "text/event-stream"}});
    if (!(answer.headers.get("content-type") || "").startsWith("text/event-stream")) {
      // Refused before anything began: the answer is a page that says why.
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = page.querySelector("main");
      now.textContent = main ? main.textContent.trim().replace(/\s+/g, " ") : answer.statusText;
      bar.max = 1;
      bar.value = 0;
      return;
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const {value, done: ended} = await reader.read();
      if (ended) break;
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        if (part.startsWith("data: ")) over = hear(JSON.parse(part.slice(6)), items) || over;
      }
    }
  } catch {
    over = false;
  }
  if (!over) now.textContent = box.dataset.lost;
}

for (const form of document.querySelectorAll("form.live")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    await listen(form);
    button.disabled = false;
    delete form.dataset.sent;
    // The next sending is another one.
    const token = form.elements.namedItem("form");
    if (token) token.value = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2) + Date.now();
  });
}
