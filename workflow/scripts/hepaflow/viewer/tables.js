// The tables beside the picture: outlines with their Dice, and lesions.

let hidden = null; // which outlines "0" hid

function updateLayers(slice) {
  let empty = false;
  for (const body of $("layers").tBodies) {
    const layer = Number(body.dataset.layer);
    body.querySelector("input[type=checkbox]").checked = state.shown[layer];
    if (layer < FIRST_METHOD) continue;
    const radio = body.querySelector("input[type=radio]");
    if (radio) radio.checked = state.compared === layer - FIRST_METHOD;
    body.classList.toggle("chosen", Boolean(radio?.checked));
    if (!exam.hasReference) continue;
    for (const structure of exam.structures) {
      const score = diceOfSlice(layer - FIRST_METHOD, structure, slice);
      const cell = body.querySelector(`[data-slice=${structure}]`);
      cell.textContent = score === null ? "–" : score.toFixed(3);
      cell.title = score === null ? "both empty" : "";
      empty ||= score === null;
    }
  }
  $("empty").textContent = empty ? "– both empty: neither the reference nor the method marks anything in this slice." : "";
}

function swatch(layer) {
  const lines = ["liver", "lesion"].map((structure, i) =>
    `<line x1="1" x2="33" y1="${4 + 6 * i}" y2="${4 + 6 * i}" stroke="${colourOf(layer, structure)}" stroke-width="${THICKNESS[structure]}" stroke-dasharray="${dashesOf(layer).join(" ")}"/>`);
  return `<svg width="34" height="14" aria-hidden="true">${lines.join("")}</svg>`;
}

// Name of a layer with what shows it, and what compares it.
function nameRow(name, layer) {
  const box = make("input", { type: "checkbox" });
  box.addEventListener("change", () => toggle(layer));
  const label = make("label", { className: "name" }, box);
  label.insertAdjacentHTML("beforeend", swatch(layer));
  label.append(make("span", { textContent: name }));
  if (layer < 9) label.append(make("kbd", { textContent: layer + 1 }));
  const parts = [label];
  if (layer >= FIRST_METHOD && (exam.hasReference || exam.methods.length > 1)) {
    const radio = make("input", { type: "radio", name: "compared", ariaLabel: `Compare ${name} with the reference` });
    radio.addEventListener("change", () => compare(layer - FIRST_METHOD));
    parts.push(make("label", { className: "compare" }, radio, "compare"));
  }
  return make("tr", {}, make("th", { scope: "rowgroup", colSpan: 7 }, make("div", {}, ...parts)));
}

// A number, or a dash that says why there is none.
function cellOf(text, why, key = {}) {
  const cell = make("td", { textContent: text ?? "–", title: text === null ? why : "" });
  Object.assign(cell.dataset, key);
  return cell;
}

function numbersRow(layer) {
  const volumes = exam.volumes[layer];
  const cells = exam.structures.flatMap((structure) => {
    const scored = layer >= FIRST_METHOD;
    const dice = scored ? diceOfExam(layer - FIRST_METHOD, structure)?.toFixed(3) ?? null : null;
    return [
      cellOf(scored ? "" : null, "compared with itself", scored ? { slice: structure } : {}),
      cellOf(dice, scored ? "not scored" : "compared with itself", { exam: structure }),
      cellOf(millilitres(volumes[structure]), "no real spacing", { volume: structure }),
    ];
  });
  const burden = volumes.burden === null ? null : `${volumes.burden.toFixed(1)} %`;
  return make("tr", { className: "numbers" }, ...cells, cellOf(burden, "no liver", { volume: "burden" }));
}

function buildLayers() {
  $("scored").hidden = !exam.hasReference || !exam.dice.some(Boolean);
  LAYERS.forEach((name, layer) => {
    const body = make("tbody", {}, nameRow(name, layer), ...(exam.hasReference ? [numbersRow(layer)] : []));
    body.dataset.layer = layer;
    $("layers").append(body);
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

// Compare another method; its outlines are shown instead of those of the one before.
function compare(method) {
  const [before, after] = [state.compared, method].map((index) => index + FIRST_METHOD);
  if (state.shown[before] && !state.shown[after]) [state.shown[before], state.shown[after]] = [false, true];
  state.compared = method;
  buildLesions();
  update();
}

function numberOrNothing(value, digits) {
  return value === null ? "–" : value.toFixed(digits);
}

// A volume in ml with what digits it bears; null where it is not known.
function millilitres(volume) {
  return volume === null ? null : volume.toFixed(volume >= 100 ? 0 : volume >= 1 ? 1 : 2);
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
      millilitres(lesion.ml) ?? "–",
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
  state.plane = "axial";
  state.at = [exam.kept[closest(slice)], row, column];
  const radius = Math.max(rows[1] - rows[0], columns[1] - columns[0]) / 2;
  state.mark = { voxel: [...state.at], radius, place: `${[slice, row, column]}` };
  update();
}

function updateMarkedRow() {
  for (const line of $("lesions").querySelectorAll("tbody tr")) {
    const marked = state.mark && state.mark.voxel[0] === state.at[0] && state.mark.place === line.dataset.place;
    line.classList.toggle("here", Boolean(marked));
  }
}
