// Moving through slices and windows: wheel, mouse, touch and keys.

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
  else if (event.key === "e" && exam.hasReference) {
    const turns = [null, ...exam.structures];
    state.errors = turns[(turns.indexOf(state.errors) + 1) % turns.length];
    update();
  } else if (event.key === "z") zoom();
  else if (event.key === "?") $("help").showModal();
  else return;
  event.preventDefault();
}
