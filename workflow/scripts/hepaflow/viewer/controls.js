// Controls: what is shown is the state; every control changes the state and then draws anew.

const WINDOWS = [
  // The liver's is set for contrast-enhanced exams, in which it lies near 100 HU.
  { name: "Abdomen", key: "a", width: 400, level: 40 },
  { name: "Liver", key: "l", width: 200, level: 80 },
  { name: "Lung", key: "u", width: 1500, level: -600 },
  { name: "Bone", key: "b", width: 1800, level: 400 },
];
const KEYS = [
  ["↑ or →, ↓ or ←", "one slice towards the head, towards the feet"],
  ["Page up, Page down", "ten slices"],
  ["Home, End", "the slice closest to the head, to the feet"],
  ["1 to 9", "show or hide the reference (1) and the methods"],
  ["0", "hide all outlines, show them again"],
  ["a, l, u, b", "window for abdomen, liver, lung, bone"],
  ["z", "the liver as large as fits, the whole slice"],
  ["e", "errors: of the liver, of the lesions, none"],
  ["Wheel, or drag up and down", "scroll through the slices; on a touch screen, drag"],
  ["Drag with the right button, or with Shift", "window: across for its width, up and down for its level"],
  ["Enter or a click on a lesion", "go to the slice where it is largest"],
];
const STAGE_NAMES = { liver: "Liver", lesion: "Lesions" };

const $ = (id) => document.getElementById(id);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const last = exam.kept.length - 1;

const state = {
  slice: 0, // of those that are in the page
  window: { width: WINDOWS[0].width, level: WINDOWS[0].level },
  shown: LAYERS.map((_, layer) => layer === 0 || layer === LAYERS.length - 1),
  compared: exam.methods.length - 1,
  errors: null, // a stage
  disagreement: null, // which map
  fill: 0.1,
  onLiver: false, // whether the liver fills the picture
  mark: null, // the lesion that was jumped to
};
let hidden = null; // which outlines "0" hid

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// The slice in the page that lies closest to one of the exam.
function closest(slice) {
  let best = 0;
  exam.kept.forEach((kept, i) => {
    if (Math.abs(kept - slice) < Math.abs(exam.kept[best] - slice)) best = i;
  });
  return best;
}

// Where to begin: at the largest lesion, or where the liver is largest, or in the middle.
function firstSlice() {
  const lesion = exam.lesions.reference[0];
  if (lesion) return closest(lesion.place[0]);
  const livers = exam.counts[0].liver.map((counts) => counts[2]);
  const largest = Math.max(...livers);
  return closest(largest ? livers.indexOf(largest) : Math.floor(exam.shape[0] / 2));
}

// Drawing.

let drawing = 0;

async function draw() {
  const turn = ++drawing;
  delete $("picture").dataset.drawn; // tells others, tests above all, when the picture is as the controls say
  try {
    const slice = await sliceAt(state.slice);
    if (turn !== drawing) return; // meanwhile another slice was asked for
    const canvas = $("picture");
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    drawPicture(canvas, slice, state, ratio);
    canvas.dataset.drawn = exam.kept[state.slice];
    for (const next of [state.slice + 1, state.slice - 1]) if (next >= 0 && next <= last) sliceAt(next);
  } catch (error) {
    fail(error);
  }
}

function fail(error) {
  $("failure").hidden = false;
  $("failure").textContent = `This slice cannot be shown: ${error.message}. The viewer needs a browser of 2023 or later.`;
  console.error(error);
}

function update() {
  const slice = exam.kept[state.slice];
  $("slice").value = state.slice;
  $("which").textContent = `Slice ${slice + 1} of ${exam.shape[0]}`;
  $("slice").setAttribute("aria-valuetext", $("which").textContent);
  $("picture").setAttribute("aria-label", `CT, slice ${slice + 1} of ${exam.shape[0]}`);
  $("here").textContent = `W ${Math.round(state.window.width)}  L ${Math.round(state.window.level)}`;
  if (document.activeElement !== $("width")) $("width").value = Math.round(state.window.width);
  if (document.activeElement !== $("level")) $("level").value = Math.round(state.window.level);
  for (const button of $("presets").children) {
    const preset = WINDOWS[button.dataset.index];
    const chosen = preset.width === state.window.width && preset.level === state.window.level;
    button.setAttribute("aria-pressed", chosen);
  }
  $("zoom").setAttribute("aria-pressed", state.onLiver);
  $("fill").value = 100 * state.fill;
  $("fill-said").textContent = `${Math.round(100 * state.fill)} %`;
  $("errors").value = state.errors ?? "";
  $("errors-key").hidden = state.errors === null;
  $("disagreement").value = state.disagreement ?? "";
  $("disagreement-key").hidden = state.disagreement === null;
  $("compared").textContent = exam.methods[state.compared];
  updateLayers(slice);
  updateMarkedRow();
  remember();
  draw();
}

function updateLayers(slice) {
  let empty = false;
  for (const row of $("layers").tBodies[0].rows) {
    const layer = Number(row.dataset.layer);
    row.querySelector("input[type=checkbox]").checked = state.shown[layer];
    if (layer === 0) continue;
    row.querySelector("input[type=radio]").checked = state.compared === layer - 1;
    for (const stage of exam.stages) {
      const score = diceOfSlice(layer - 1, stage, slice);
      const cell = row.querySelector(`[data-stage=${stage}]`);
      cell.textContent = score === null ? "–" : score.toFixed(3);
      cell.title = score === null ? "both empty" : "";
      empty ||= score === null;
    }
  }
  $("empty").textContent = empty ? "– both empty: neither the reference nor the method marks anything in this slice." : "";
}

// Layers.

function swatch(layer) {
  const lines = ["liver", "lesion"].map((stage, i) =>
    `<line x1="1" x2="33" y1="${4 + 6 * i}" y2="${4 + 6 * i}" stroke="var(--${stage})" stroke-width="2.4" stroke-dasharray="${dashesOf(layer).join(" ")}"/>`);
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
    if (layer > 0) {
      const radio = make("input", { type: "radio", name: "compared", ariaLabel: `Compare ${name} with the reference` });
      radio.addEventListener("change", () => compare(layer - 1));
      row.append(make("td", {}, radio));
      for (const stage of exam.stages) {
        const cell = make("td");
        cell.dataset.stage = stage;
        row.append(cell, make("td", { textContent: diceOfExam(layer - 1, stage).toFixed(3) }));
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

// Lesions.

function numberOrNothing(value, digits) {
  return value === null ? "–" : value.toFixed(digits);
}

function lesionTable(title, lesions, other, otherName) {
  const table = make("table");
  const heads = ["Go", "Slice", "Volume, ml", "Diameter, mm", `In ${otherName}`];
  table.append(make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { textContent: text, scope: "col" })))));
  const body = table.createTBody();
  lesions.forEach((lesion, i) => {
    const [slice, row, column] = lesion.place;
    const button = make("button", { type: "button", textContent: i + 1, ariaLabel: `Go to lesion ${i + 1} of ${title}` });
    const cells = [
      slice + 1,
      numberOrNothing(lesion.ml, lesion.ml < 1 ? 2 : 1),
      numberOrNothing(lesion.mm, 0),
      lesion.shared[other] ? `${Math.max(1, Math.floor(100 * lesion.shared[other]))} %` : "no",
    ];
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
  $("lesions").replaceChildren(
    ...lesionTable("Reference", exam.lesions.reference, name, name),
    ...lesionTable(name, exam.lesions.methods[state.compared], "reference", "reference"),
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

// Slices, window.

function show(slice) {
  const next = clamp(slice, 0, last);
  if (next === state.slice) return;
  state.slice = next;
  update();
}

function setWindow(width, level) {
  state.window = { width: clamp(width, 1, 4000), level: clamp(level, -1024, 2000) };
  update();
}

function zoom() {
  state.onLiver = exam.liver !== null && !state.onLiver;
  update();
}

let wheeled = 0;

function onWheel(event) {
  event.preventDefault();
  if (event.deltaMode !== 0 || Math.abs(event.deltaY) >= 50) {
    wheeled = 0; // a notch of a mouse's wheel
    show(state.slice - Math.sign(event.deltaY));
    return;
  }
  wheeled += event.deltaY; // a touch pad: many small steps
  const steps = Math.trunc(wheeled / 30);
  wheeled -= 30 * steps;
  show(state.slice - steps);
}

let drag = null;

function onPointerDown(event) {
  event.preventDefault();
  $("picture").focus({ preventScroll: true });
  $("picture").setPointerCapture(event.pointerId);
  drag = {
    windowing: event.button === 2 || event.shiftKey,
    x: event.clientX,
    y: event.clientY,
    slice: state.slice,
    window: { ...state.window },
    // The whole stack is one height of the picture, and a slice never less than four pixels.
    perSlice: Math.max(4, $("picture").clientHeight / exam.kept.length),
  };
}

function onPointerMove(event) {
  point(event);
  if (!drag) return;
  const [right, down] = [event.clientX - drag.x, event.clientY - drag.y];
  if (drag.windowing) setWindow(drag.window.width + 2 * right, drag.window.level + down);
  else show(drag.slice - Math.round(down / drag.perSlice));
}

// Tell the CT value under the pointer.
async function point(event) {
  const canvas = $("picture");
  const slice = await sliceAt(state.slice);
  const place = fit(canvas, slice, state.onLiver);
  const ratio = canvas.width / canvas.clientWidth;
  const column = Math.floor(((event.offsetX * ratio - place.x) / place.width) * slice.width);
  const row = Math.floor(((event.offsetY * ratio - place.y) / place.height) * slice.height);
  const within = column >= 0 && row >= 0 && column < slice.width && row < slice.height;
  $("pointer").textContent = within ? `about ${Math.round(HU[slice.levels[row * slice.width + column]])} HU` : "";
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  // Fields keep their own keys.
  if (event.target.matches("select, input:not([type=checkbox], #slice)")) return;
  const steps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 };
  const preset = WINDOWS.find(({ key }) => key === event.key);
  if (event.key in steps) show(state.slice + steps[event.key]);
  else if (event.key === "Home") show(last);
  else if (event.key === "End") show(0);
  else if (event.key === "0") toggleAll();
  else if (/^[1-9]$/.test(event.key)) {
    if (event.key <= LAYERS.length) toggle(event.key - 1);
  } else if (preset) setWindow(preset.width, preset.level);
  else if (event.key === "e") {
    const turns = [null, ...exam.stages];
    state.errors = turns[(turns.indexOf(state.errors) + 1) % turns.length];
    update();
  } else if (event.key === "z") zoom();
  else if (event.key === "?") $("help").showModal();
  else return;
  event.preventDefault();
}

// The address keeps what is shown, so that it can be sent on. Inside the report the page has no address of its own.

let remembering = 0;

function remember() {
  if (location.protocol === "data:") return;
  clearTimeout(remembering); // browsers allow only so many changes of the address in a while
  remembering = setTimeout(() => {
    const layers = LAYERS.filter((_, layer) => state.shown[layer]);
    const parts = new URLSearchParams({
      slice: exam.kept[state.slice] + 1,
      window: `${Math.round(state.window.width)},${Math.round(state.window.level)}`,
      compare: exam.methods[state.compared],
      errors: state.errors ?? "",
    });
    for (const layer of layers) parts.append("layer", layer);
    history.replaceState(null, "", `#${parts}`);
  }, 300);
}

function recall() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const [width, level] = (parts.get("window") ?? "").split(",").map(Number);
  const compared = exam.methods.indexOf(parts.get("compare"));
  if (Number(parts.get("slice"))) state.slice = closest(Number(parts.get("slice")) - 1);
  if (width > 0 && Number.isFinite(level)) state.window = { width, level };
  if (compared >= 0) state.compared = compared;
  if (exam.stages.includes(parts.get("errors"))) state.errors = parts.get("errors");
  if (parts.has("slice")) state.shown = LAYERS.map((name) => parts.getAll("layer").includes(name));
}

// Putting the page together.

function options(select, choices) {
  for (const [value, text] of choices) select.append(make("option", { value, textContent: text }));
}

function about() {
  const [slices, rows, columns] = exam.shape;
  const parts = [`${columns} × ${rows} × ${slices}`];
  if (exam.inMillimetres) parts.push(`pixels of ${exam.spacing[2].toFixed(2)} × ${exam.spacing[1].toFixed(2)} mm, slices ${exam.spacing[0].toFixed(2)} mm apart`);
  const left = exam.kept.length < slices ? `, ${exam.kept.length} of the ${slices} slices` : "";
  if (exam.factor > 1 || left) {
    parts.push(`reduced for the report: pixels of ${exam.factor} × ${exam.factor}${left}; in full in viewer/${exam.exam}.html`);
  }
  return parts.join(" · ");
}

function build() {
  for (const stage of exam.stages) document.documentElement.style.setProperty(`--${stage}`, exam.colours[stage]);
  $("about").textContent = about();
  $("slice").max = last;
  $("zoom").hidden = exam.liver === null;
  WINDOWS.forEach(({ name, width, level }, index) => {
    const button = make("button", { type: "button", textContent: name, title: `width ${width}, level ${level} HU` });
    button.dataset.index = index;
    button.addEventListener("click", () => setWindow(width, level));
    $("presets").append(button);
  });
  options($("errors"), [["", "none"], ...exam.stages.map((stage) => [stage, STAGE_NAMES[stage]])]);
  options($("disagreement"), [["", "none"], ...exam.disagreement.map((stage, map) => [map, STAGE_NAMES[stage]])]);
  $("disagreement-row").hidden = !exam.disagreement.length;
  for (const [keys, what] of KEYS) {
    $("help").querySelector("dl").append(make("dt", { textContent: keys }), make("dd", { textContent: what }));
  }
  for (const kind of WRONG) {
    const canvas = $(kind.marked ? "false-positive" : "false-negative");
    const context = canvas.getContext("2d");
    context.fillStyle = hatched(context, kind, 1);
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  const scale = $("scale").getContext("2d");
  for (let x = 0; x < 120; x++) {
    scale.fillStyle = `rgb(${scaled((100 * x) / 119).map(Math.round)})`;
    scale.fillRect(x, 0, 1, 12);
  }
  buildLayers();
}

function listen() {
  const picture = $("picture");
  picture.addEventListener("wheel", onWheel, { passive: false });
  picture.addEventListener("pointerdown", onPointerDown);
  picture.addEventListener("pointermove", onPointerMove);
  for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, () => (drag = null));
  picture.addEventListener("pointerleave", () => ($("pointer").textContent = ""));
  picture.addEventListener("contextmenu", (event) => event.preventDefault());
  $("slice").addEventListener("input", () => show(Number($("slice").value)));
  $("up").addEventListener("click", () => show(state.slice + 1));
  $("down").addEventListener("click", () => show(state.slice - 1));
  for (const field of ["width", "level"]) {
    $(field).addEventListener("input", () => {
      if ($(field).value && $(field).validity.valid) setWindow(...["width", "level"].map((id) => Number($(id).value)));
    });
  }
  $("fill").addEventListener("input", () => {
    state.fill = $("fill").value / 100;
    update();
  });
  $("errors").addEventListener("change", () => {
    state.errors = $("errors").value || null;
    update();
  });
  $("disagreement").addEventListener("change", () => {
    state.disagreement = $("disagreement").value === "" ? null : Number($("disagreement").value);
    update();
  });
  $("zoom").addEventListener("click", zoom);
  $("keys").addEventListener("click", () => $("help").showModal());
  document.addEventListener("keydown", onKey);
  new ResizeObserver(draw).observe(picture);
}

build();
state.slice = firstSlice();
recall();
buildLesions();
listen();
update();
