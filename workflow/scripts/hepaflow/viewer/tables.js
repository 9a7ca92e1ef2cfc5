// The tables beside the picture: outlines with their Dice, and lesions.

let hidden = null; // which outlines "0" hid

function updateLayers(slice) {
  let empty = false;
  for (const row of $("layers").tBodies[0].rows) {
    const layer = Number(row.dataset.layer);
    row.querySelector("input[type=checkbox]").checked = state.shown[layer];
    if (layer < FIRST_METHOD || !exam.hasReference) continue;
    row.querySelector("input[type=radio]").checked = state.compared === layer - FIRST_METHOD;
    for (const structure of exam.structures) {
      const score = diceOfSlice(layer - FIRST_METHOD, structure, slice);
      const cell = row.querySelector(`[data-structure=${structure}]`);
      cell.textContent = score === null ? "–" : score.toFixed(3);
      cell.title = score === null ? "both empty" : "";
      empty ||= score === null;
    }
  }
  $("empty").textContent = empty ? "– both empty: neither the reference nor the method marks anything in this slice." : "";
}

function swatch(layer) {
  const lines = ["liver", "lesion"].map((structure, i) =>
    `<line x1="1" x2="33" y1="${4 + 6 * i}" y2="${4 + 6 * i}" stroke="var(--${structure})" stroke-width="2.4" stroke-dasharray="${dashesOf(layer).join(" ")}"/>`);
  return `<svg width="34" height="14" aria-hidden="true">${lines.join("")}</svg>`;
}

function buildLayers() {
  LAYERS.forEach((name, layer) => {
    const box = make("input", { type: "checkbox" });
    box.addEventListener("change", () => toggle(layer));
    const label = make("label", {}, box);
    label.insertAdjacentHTML("beforeend", swatch(layer));
    label.append(make("span", { textContent: name }));
    if (layer < 9) label.prepend(make("kbd", { textContent: layer + 1 }));
    const row = make("tr", {}, make("td", {}, label));
    row.dataset.layer = layer;
    if (!exam.hasReference) {
      row.firstChild.colSpan = 6;
    } else if (layer >= FIRST_METHOD) {
      const radio = make("input", { type: "radio", name: "compared", ariaLabel: `Compare ${name} with the reference` });
      radio.addEventListener("change", () => compare(layer - FIRST_METHOD));
      row.append(make("td", {}, radio));
      for (const structure of exam.structures) {
        const cell = make("td");
        cell.dataset.structure = structure;
        row.append(cell, make("td", { textContent: diceOfExam(layer - FIRST_METHOD, structure).toFixed(3) }));
      }
    } else {
      row.append(make("td", { colSpan: 5 }));
    }
    $("layers").tBodies[0].append(row);
  });
}

function toggle(layer) {
  state.shown[layer] = !state.shown[layer];
  update();
}

function toggleAll() {
  if (state.shown.some(Boolean)) {
    hidden = [...state.shown];
    state.shown.fill(false);
  } else {
    state.shown = hidden ?? LAYERS.map(() => true);
  }
  update();
}

function compare(method) {
  state.compared = method;
  buildLesions();
  update();
}

function numberOrNothing(value, digits) {
  return value === null ? "–" : value.toFixed(digits);
}

function lesionTable(title, lesions, other, otherName) {
  const table = make("table");
  const heads = ["Go", "Slice", "Volume, ml", "Diameter, mm", ...(otherName ? [`In ${otherName}`] : [])];
  table.append(make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { textContent: text, scope: "col" })))));
  const body = table.createTBody();
  lesions.forEach((lesion, i) => {
    const [slice, row, column] = lesion.place;
    const button = make("button", { type: "button", textContent: i + 1, ariaLabel: `Go to lesion ${i + 1} of ${title}` });
    const cells = [
      slice + 1,
      numberOrNothing(lesion.ml, lesion.ml < 1 ? 2 : 1),
      numberOrNothing(lesion.mm, 0),
    ];
    if (otherName) cells.push(lesion.shared[other] ? `${Math.max(1, Math.floor(100 * lesion.shared[other]))} %` : "no");
    const line = make("tr", {}, make("td", {}, button), ...cells.map((text) => make("td", { textContent: text })));
    line.dataset.place = lesion.place;
    line.addEventListener("click", () => goTo(slice, row, column, lesion.box));
    body.append(line);
  });
  const heading = make("h3", { textContent: `${title}: ${lesions.length || "none"}` });
  return lesions.length ? [heading, table] : [heading];
}

function buildLesions() {
  const name = exam.methods[state.compared];
  const found = exam.lesions.methods[state.compared];
  $("lesions").replaceChildren(
    ...(exam.hasReference
      ? [...lesionTable("Reference", exam.lesions.reference, name, name), ...lesionTable(name, found, "reference", "reference")]
      : lesionTable(name, found)),
  );
  if (!exam.inMillimetres) {
    $("lesions").append(make("p", { className: "note", textContent: "This exam's header has no real spacing: nothing is told in mm or ml." }));
  }
}

function goTo(slice, row, column, [rows, columns]) {
  state.slice = closest(slice);
  const radius = Math.max(rows[1] - rows[0], columns[1] - columns[0]) / 2;
  state.mark = { slice: state.slice, row, column, radius, place: `${[slice, row, column]}` };
  update();
}

function updateMarkedRow() {
  for (const line of $("lesions").querySelectorAll("tbody tr")) {
    const marked = state.mark && state.mark.slice === state.slice && state.mark.place === line.dataset.place;
    line.classList.toggle("here", Boolean(marked));
  }
}
