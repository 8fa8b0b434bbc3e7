// Makes the link chart's picture movable. The table under it says all of it; each row can be shown.
"use strict";

const board = document.querySelector(".board");
if (board && typeof cytoscape === "function") {
  const drawn = JSON.parse(board.dataset.chart);
  const picture = board.querySelector("svg");
  const ink = (selector, property = "color") =>
    getComputedStyle(document.querySelector(selector))[property];
  const label = picture.getAttribute("aria-label");
  const place = document.createElement("div");
  place.className = "canvas";
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", label);
  picture.replaceWith(place);
  const shapes = { person: "ellipse", organisation: "rectangle", wallet: "diamond" };
  const lines = { confirmed: [1, 0], suspected: [9, 6], derived: [2, 5] };
  const inks = { suspect: "#9c1c1c", victim: "#11643a" };
  const cy = cytoscape({
    container: place,
    elements: [
      ...drawn.nodes.map((one) => ({
        group: "nodes", classes: one.role, position: { x: one.x, y: one.y },
        data: { id: one.id, label: `${one.id} ${one.name}`, shape: shapes[one.sort] || "round-rectangle" },
      })),
      ...drawn.ties.map((one) => ({
        group: "edges", classes: `${one.standing} ${one.directed ? "directed" : ""}`,
        data: { id: one.id, source: one.source, target: one.target, label: one.label },
      })),
    ],
    layout: { name: "preset", fit: true, padding: 20 },
    style: [
      { selector: "node", style: {
        label: "data(label)", shape: "data(shape)", width: 34, height: 30, color: ink("main"),
        "background-color": ink("main a"), "font-size": 13, "text-valign": "bottom",
        "text-margin-y": 4, "text-wrap": "ellipsis", "text-max-width": 190 } },
      { selector: "edge", style: {
        label: "data(label)", "font-size": 12, color: ink("main"), width: 2,
        "curve-style": "bezier", "text-background-opacity": 0.85,
        "text-background-color": ink(".board", "backgroundColor") } },
      ...Object.entries(lines).map(([name, line]) => ({ selector: `edge.${name}`, style: {
        "line-style": "dashed", "line-dash-pattern": line, "line-color": ink(`.legend .${name}`),
        "target-arrow-color": ink(`.legend .${name}`) } })),
      { selector: ".directed", style: { "target-arrow-shape": "triangle" } },
      ...Object.entries(inks).map(([role, colour]) => ({ selector: `node.${role}`, style: {
        "background-color": colour } })),
      { selector: ".shown", style: { "underlay-color": ink(".legend .suspected"),
        "underlay-opacity": 0.35, "underlay-padding": 8 } },
    ],
    userZoomingEnabled: false, autoungrabify: true, boxSelectionEnabled: false,
  });
  place.tabIndex = -1; // its keys are the buttons, and the table's
  const buttons = document.querySelector(".chart .actions");
  buttons.hidden = false;
  buttons.addEventListener("click", (event) => {
    const { zoom, pan } = event.target.dataset;
    const factor = Number(zoom);
    if (pan) {
      const [x, y] = pan.split(",").map(Number);
      cy.panBy({ x: x * cy.width() / 4, y: y * cy.height() / 4 });
    } else if (factor) {
      cy.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
    } else if (zoom) {
      cy.fit(undefined, 20);
    }
  });
  // From a row to its line: moved into view without any dragging.
  for (const row of document.querySelectorAll("[data-tie]")) {
    const line = cy.getElementById(row.dataset.tie);
    if (line.empty()) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = board.dataset.show;
    button.addEventListener("click", () => {
      cy.elements().removeClass("shown");
      line.union(line.connectedNodes()).addClass("shown");
      cy.center(line);
      board.scrollIntoView({ block: "nearest" });
    });
    row.lastElementChild.prepend(button);
  }
}
