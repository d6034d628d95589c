"use strict";

// Tables: a click on a heading sorts by it, a second one the other way, a third gives the printed order back.
function key(cell) {
  const text = cell.textContent.trim().replace(/−/g, "-");
  const number = text.match(/^[<>]?\s*([-+]?\d*\.?\d+)/);
  return number ? Number(number[1]) - (text[0] === "<" ? 1e-9 : 0) : text;
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return a.localeCompare(b);
}

function sortable(table) {
  const body = table.tBodies[0], printed = [...body.rows], heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const next = { none: "ascending", ascending: "descending", descending: "none" }[head.getAttribute("aria-sort") || "none"];
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    const rows = [...printed];
    if (next !== "none") {
      head.setAttribute("aria-sort", next);
      const sign = next === "ascending" ? 1 : -1;
      rows.sort((one, two) => {
        const [a, b] = [key(one.cells[column]), key(two.cells[column])];
        if (a === "" || b === "") return (a === "") - (b === "");  // what was not measured stays last
        return sign * compare(a, b);
      });
    }
    table.classList.toggle("sorted", next !== "none");
    body.append(...rows);
  }));
}

document.querySelectorAll("table.sortable").forEach(sortable);

// Figures: a click enlarges; then plus, minus and fit, and dragging moves.
const dialog = document.getElementById("zoom"), pan = dialog.querySelector(".pan"), large = pan.querySelector("img");
let width = 0;

function setWidth(pixels) {
  const middle = [(pan.scrollLeft + pan.clientWidth / 2) / width, (pan.scrollTop + pan.clientHeight / 2) / width];
  const before = width;
  width = Math.min(Math.max(pixels, 200), 8000);
  large.style.width = `${width}px`;
  if (before) pan.scrollTo(middle[0] * width - pan.clientWidth / 2, middle[1] * width - pan.clientHeight / 2);
}

function fitting() {
  return Math.min(pan.clientWidth, (pan.clientHeight * large.naturalWidth) / large.naturalHeight);
}

const zoomActions = {
  in: () => setWidth(width * 1.4),
  out: () => setWidth(width / 1.4),
  fit: () => setWidth(fitting()),
  close: () => dialog.close(),
};

document.querySelectorAll(".enlarge").forEach((button) => button.addEventListener("click", () => {
  const small = button.querySelector("img");
  large.src = small.src;
  large.alt = small.alt;
  dialog.showModal();
  width = 0;
  setWidth(Math.max(fitting(), Number(small.getAttribute("width"))));  // a phone shows it smaller than that on the page
}));

dialog.addEventListener("click", (event) => zoomActions[event.target.dataset.zoom]?.());
dialog.addEventListener("keydown", (event) => {
  const action = { "+": "in", "=": "in", "-": "out", 0: "fit" }[event.key];
  if (action) zoomActions[action]();
});
pan.addEventListener("pointermove", (event) => {
  if (event.buttons === 1 && event.pointerType === "mouse") pan.scrollBy(-event.movementX, -event.movementY);
});
large.addEventListener("dragstart", (event) => event.preventDefault());
