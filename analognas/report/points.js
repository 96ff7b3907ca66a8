"use strict";
// What a point of a figure says: beside the pointer, and for the arrow keys once a figure has the focus.
const said = document.getElementById("said");
const REACH = 26;
let marked = null;

function points(figure) {
  figure.points ??= Array.from(figure.querySelectorAll("[data-t]"), (node) => ({ node, x: node.getBBox().x }))
    .sort((a, b) => a.x - b.x)
    .map((point) => point.node);
  return figure.points;
}

function hide() {
  said.hidden = true;
  if (marked) marked.classList.remove("marked");
  marked = null;
}

function show(node) {
  if (marked !== node) hide();
  marked = node;
  node.classList.add("marked");
  if (said.textContent !== node.dataset.t) said.textContent = node.dataset.t;
  said.hidden = false;
  const at = node.getBoundingClientRect();
  const left = Math.min(at.left + at.width / 2 + 12, innerWidth - said.offsetWidth - 8);
  const above = at.top - said.offsetHeight - 8;
  said.style.left = `${Math.max(8, left) + scrollX}px`;
  said.style.top = `${(above < 4 ? at.bottom + 8 : above) + scrollY}px`;
}

function nearest(figure, x, y) {
  let found = null;
  let least = REACH;
  for (const node of points(figure)) {
    const at = node.getBoundingClientRect();
    const across = Math.max(at.left - x, 0, x - at.right);
    const up = Math.max(at.top - y, 0, y - at.bottom);
    const distance = Math.hypot(across, up);
    if (distance < least || (found && distance === least && at.width < found.getBoundingClientRect().width)) {
      [found, least] = [node, distance];
    }
  }
  return found;
}

for (const figure of document.querySelectorAll("svg[tabindex]")) {
  let place = -1;
  figure.addEventListener("pointermove", (event) => {
    const node = nearest(figure, event.clientX, event.clientY);
    if (node) show(node);
    else hide();
  });
  figure.addEventListener("pointerleave", hide);
  figure.addEventListener("blur", hide);
  figure.addEventListener("keydown", (event) => {
    const all = points(figure);
    const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Escape") hide();
    if (to === undefined || all.length === 0) return;
    event.preventDefault();
    place = Math.min(Math.max(to, 0), all.length - 1);
    show(all[place]);
  });
}

// Paper has nothing to click on: what is folded is printed, and folded again afterwards.
let unfolded = [];
addEventListener("beforeprint", () => {
  hide();
  unfolded = Array.from(document.querySelectorAll("details:not([open])"));
  for (const node of unfolded) node.open = true;
});
addEventListener("afterprint", () => {
  for (const node of unfolded) node.open = false;
});
