// The controls, and the start.

const STRUCTURE_NAMES = { liver: "Liver", lesion: "Lesions" };

// Towards what the indices of slices, rows and columns count up.
const DIRECTIONS = [
  { from: "the feet", to: "the head" },
  { from: "the front", to: "the back" },
  { from: "the right", to: "the left" },
];

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
  $("zoom").hidden = exam.liver === null;
  $("measure").disabled = exam.steps === null;
  if (!exam.steps) $("measure").title = "This exam's header has no real spacing";
  for (const [plane, { name }] of Object.entries(PLANES)) {
    const button = make("button", { type: "button", textContent: name });
    button.dataset.plane = plane;
    button.addEventListener("click", () => setPlane(plane));
    $("planes").append(button);
  }
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
  buildLinks();
  buildLayers();
}

function listen() {
  const picture = $("picture");
  picture.addEventListener("wheel", onWheel, { passive: false });
  picture.addEventListener("pointerdown", onPointerDown);
  picture.addEventListener("pointermove", onPointerMove);
  for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, onPointerUp);
  picture.addEventListener("pointerleave", onPointerLeave);
  picture.addEventListener("contextmenu", (event) => event.preventDefault());
  $("slice").addEventListener("input", () => show(Number($("slice").value)));
  $("up").addEventListener("click", () => step(1));
  $("down").addEventListener("click", () => step(-1));
  $("marks").addEventListener("click", onMarks);
  $("bad").addEventListener("click", () => goToBad());
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
  $("zoom").addEventListener("click", seeLiver);
  $("whole").addEventListener("click", seeWhole);
  $("closer").addEventListener("click", () => zoomBy(1.25));
  $("farther").addEventListener("click", () => zoomBy(0.8));
  $("measure").addEventListener("click", toggleMeasuring);
  $("unmeasure").addEventListener("click", () => {
    state.rulers = [];
    update();
  });
  $("keys").addEventListener("click", () => $("help").showModal());
  document.addEventListener("keydown", onKey);
  new ResizeObserver(() => {
    drawMarks();
    draw();
  }).observe(picture);
}

build();
recall();
buildLesions();
listen();
update();
