"use strict";
// Tables: a click on the name of a column sorts by it, and another one the other way round.
function valueOf(row, column, numeric) {
  const text = row.cells[column].textContent.trim();
  if (!numeric) return text;
  const [, unit] = text.match(/^[\d.]+ (min|h)$/) ?? [];
  return Number.parseFloat(text.replace("\u2212", "-")) * ({ min: 60, h: 3600 }[unit] ?? 1);
}

function sortBy(header) {
  const table = header.closest("table");
  const column = header.cellIndex;
  const numeric = header.classList.contains("number");
  const way = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => [valueOf(row, column, numeric), row]);
  rows.sort(([one], [other]) => {
    if (numeric) {
      // What is no number stays at the end.
      if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) - Number.isNaN(other);
      return way * (one - other);
    }
    return way * one.localeCompare(other, "en", { numeric: true });
  });
  for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
  body.append(...rows.map(([, row]) => row));
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sortBy(button.parentNode));
}

// Rows that hold every word that is typed.
for (const input of document.querySelectorAll("input[type=search]")) {
  const rows = Array.from(document.querySelector("table").tBodies[0].rows);
  const texts = rows.map((row) => ` ${Array.from(row.cells, (cell) => cell.textContent).join(" ")} `.toLowerCase());
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, index) => {
      const fits = words.every((word) => texts[index].includes(word));
      row.classList.toggle("hidden", !fits);
      shown += fits;
    });
    document.querySelector("output").textContent = words.length ? `${shown} of ${rows.length}` : "";
  });
}

// The table itself, as it lies on disk.
async function download(link) {
  const bytes = Uint8Array.from(atob(link.dataset.packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const file = await new Response(stream).blob();
  const address = URL.createObjectURL(new Blob([file], { type: "text/csv" }));
  const made = document.createElement("a");
  made.href = address;
  made.download = link.dataset.name;
  document.body.append(made);
  made.click();
  made.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

for (const link of document.querySelectorAll("a.download")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    download(link);
  });
}

// Inside the report a page has no place of its own: what lies beside it is named, and cannot be opened.
if (location.protocol !== "file:" && !location.protocol.startsWith("http")) {
  for (const link of document.querySelectorAll("a.beside")) {
    const name = document.createElement("code");
    name.textContent = link.getAttribute("href");
    link.replaceWith(link.textContent, " (", name, ")");
  }
  for (const link of document.querySelectorAll("nav.toc a")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      document.querySelector(link.getAttribute("href")).scrollIntoView();
    });
  }
}

// Print what is folded, too.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
