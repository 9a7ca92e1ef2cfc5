// The page: its address, its controls, and the start.

const KEYS = [
  ["↑ or →, ↓ or ←", "one slice towards the head, towards the feet"],
  ["Page up, Page down", "ten slices"],
  ["Home, End", "the slice closest to the head, to the feet"],
  ["1 to 9", exam.hasReference ? "show or hide the reference (1) and the methods" : "show or hide the outlines of a method"],
  ["0", "hide all outlines, show them again"],
  ["a, l, u, b", "window for abdomen, liver, lung, bone"],
  ["z", "the liver as large as fits, the whole slice"],
  ...(exam.hasReference ? [["e", "errors: of the liver, of the lesions, none"]] : []),
  ["Wheel, or drag up and down", "scroll through the slices; on a touch screen, drag"],
  ["Drag with the right button, or with Shift", "window: across for its width, up and down for its level"],
  ["Enter or a click on a lesion", "go to the slice where it is largest"],
];
const STRUCTURE_NAMES = { liver: "Liver", lesion: "Lesions" };

// The address keeps what is shown, so that it can be sent on. Inside a report the page has no address of its own.

let remembering = 0;

function remember() {
  if (["data:", "about:"].includes(location.protocol)) return;
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
  if (exam.hasReference && exam.structures.includes(parts.get("errors"))) state.errors = parts.get("errors");
  if (parts.has("slice")) state.shown = LAYERS.map((name) => parts.getAll("layer").includes(name));
}

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
  for (const structure of exam.structures) document.documentElement.style.setProperty(`--${structure}`, exam.colours[structure]);
  $("about").textContent = about();
  $("slice").max = last;
  $("zoom").hidden = exam.liver === null;
  WINDOWS.forEach(({ name, width, level }, index) => {
    const button = make("button", { type: "button", textContent: name, title: `width ${width}, level ${level} HU` });
    button.dataset.index = index;
    button.addEventListener("click", () => setWindow(width, level));
    $("presets").append(button);
  });
  options($("errors"), [["", "none"], ...exam.structures.map((structure) => [structure, STRUCTURE_NAMES[structure]])]);
  options($("disagreement"), [["", "none"], ...exam.disagreement.map((structure, map) => [map, STRUCTURE_NAMES[structure]])]);
  $("disagreement-row").hidden = !exam.disagreement.length;
  $("errors-row").hidden = $("layers").tHead.hidden = !exam.hasReference;
  $("maps").hidden = !exam.hasReference && !exam.disagreement.length;
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
state.slice = closest(exam.start);
recall();
buildLesions();
listen();
update();
