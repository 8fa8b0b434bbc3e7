// The timeline's keys and its brush. Every one of them does what a link of the page does.
"use strict";

const chart = document.querySelector(".histogram svg");
if (chart) {
  const brush = chart.querySelector(".brush");
  const first = Number(chart.dataset.first);
  const last = Number(chart.dataset.last);
  const wide = chart.viewBox.baseVal.width;
  let from = null;
  const at = (event) => {
    const box = chart.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  chart.addEventListener("pointerdown", (event) => {
    from = at(event);
    chart.setPointerCapture(event.pointerId);
  });
  chart.addEventListener("pointermove", (event) => {
    if (from === null) return;
    const to = at(event);
    brush.setAttribute("x", Math.min(from, to) * wide);
    brush.setAttribute("width", Math.abs(to - from) * wide);
  });
  chart.addEventListener("pointercancel", () => {
    from = null;
    brush.setAttribute("width", 0);
  });
  chart.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const ends = [from, at(event)].sort((a, b) => a - b);
    from = null;
    if (ends[1] - ends[0] < 0.004) {
      brush.setAttribute("width", 0);
      return;
    }
    const [since, until] = ends.map((part) => new Date(first + part * (last - first)).toISOString());
    const filter = `${chart.dataset.rest} since:${since} until:${until}`.trim();
    location.search = `?${new URLSearchParams({ q: filter })}`;
  });
}

// Single keys can be switched off (WCAG 2.2, 2.1.4); the browser remembers.
const keys = document.querySelector(".keys");
const keysOn = document.querySelector("#keys-on");
keysOn.checked = localStorage.getItem("keys") !== "off";
keysOn.addEventListener("change", () => localStorage.setItem("keys", keysOn.checked ? "on" : "off"));
document.addEventListener("keydown", (event) => {
  if (!keysOn.checked || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  const events = [...document.querySelectorAll(".events a.open")];
  const here = events.indexOf(document.activeElement);
  if (event.key === "j" || event.key === "k") {
    const step = event.key === "j" ? 1 : -1;
    const next = events[here < 0 ? (step > 0 ? 0 : events.length - 1) : here + step];
    if (next) next.focus();
    else document.querySelector(`.pager a[rel=${step > 0 ? "next" : "prev"}]`)?.focus();
  } else if (event.key === " " && here >= 0) {
    events[here].click();
  } else if (event.key === "?") {
    keys.open = !keys.open;
    if (keys.open) keys.querySelector("summary").focus();
  } else {
    return;
  }
  event.preventDefault();
});
