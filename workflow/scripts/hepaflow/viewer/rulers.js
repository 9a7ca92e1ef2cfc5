// Rulers, each between two places of a picture, and the scale bar.

const BAR_LENGTHS = [1, 2, 5, 10, 20, 50, 100, 200, 500]; // mm

// The distance in mm between two voxels' places, also where the axes are not perpendicular.
function distance(one, other) {
  const mm = [0, 0, 0];
  one.forEach((start, axis) => exam.steps[axis].forEach((step, i) => (mm[i] += (other[axis] - start) * step)));
  return Math.hypot(...mm);
}

const lengthOf = ({ ends }) => `${distance(...ends).toFixed(1)} mm`;

function addRuler(ends) {
  state.rulers.push({ plane: state.plane, ends });
  update();
}

function removeRuler(index) {
  state.rulers.splice(index, 1);
  update();
}

let firstEnd = null; // of the ruler that keys measure

// Set one end of a ruler to the point, then the other.
function measureFromPoint() {
  if (!exam.steps || !state.pointed) return;
  const place = state.at.map((index) => index + 0.5);
  const { axis } = PLANES[state.plane];
  if (firstEnd && firstEnd.plane === state.plane && firstEnd.place[axis] === place[axis]) {
    addRuler([firstEnd.place, place]);
    firstEnd = null;
  } else {
    firstEnd = { plane: state.plane, place };
    update();
  }
}

function isRulerShown({ plane, ends }) {
  return plane === state.plane && isShown(PLANES[plane], ends[0].map(Math.floor));
}

function drawRulers(context, lens, plane, ratio) {
  for (const ruler of state.rulers.filter(isRulerShown)) {
    const [start, end] = ruler.ends.map((place) => toCanvas(lens, ...placeIn(plane, place)));
    const angle = Math.atan2(end[1] - start[1], end[0] - start[0]);
    const [right, down] = [-5 * ratio * Math.sin(angle), 5 * ratio * Math.cos(angle)];
    strokeWhite(context, ratio, () => {
      context.moveTo(...start);
      context.lineTo(...end);
      for (const [x, y] of [start, end]) {
        context.moveTo(x - right, y - down);
        context.lineTo(x + right, y + down);
      }
    });
    const rightmost = start[0] > end[0] ? start : end;
    write(context, lengthOf(ruler), rightmost[0] + 8 * ratio, rightmost[1], ratio);
  }
}

function write(context, text, x, y, ratio, align = "left") {
  context.font = `${13 * ratio}px "DejaVu Sans", Verdana, Arial, sans-serif`;
  context.textAlign = align;
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.strokeStyle = "rgba(0, 0, 0, 0.7)";
  context.lineWidth = 3 * ratio;
  context.strokeText(text, x, y);
  context.fillStyle = "#fff";
  context.fillText(text, x, y);
}

// A bar of a round length, a fifth of the picture's width at most.
function drawScaleBar(context, canvas, lens, plane, ratio) {
  if (!exam.steps) return;
  const pixelsPerMm = lens.across / exam.spacing[plane.across];
  const length = BAR_LENGTHS.findLast((mm) => mm * pixelsPerMm <= canvas.width / 5);
  if (!length) return;
  const [right, bottom] = [canvas.width - 14 * ratio, canvas.height - 12 * ratio];
  const left = right - length * pixelsPerMm;
  strokeWhite(context, ratio, () => {
    context.moveTo(left, bottom - 5 * ratio);
    context.lineTo(left, bottom);
    context.lineTo(right, bottom);
    context.lineTo(right, bottom - 5 * ratio);
  });
  write(context, `${length} mm`, (left + right) / 2, bottom - 12 * ratio, ratio, "center");
  canvas.dataset.bar = `${length} mm`; // what it says is in the picture alone
}

function updateRulers() {
  $("rulers-section").hidden = !state.rulers.length;
  $("rulers").replaceChildren(...state.rulers.map((ruler, index) => {
    const plane = PLANES[ruler.plane];
    const picture = pictureWith(plane, Math.floor(ruler.ends[0][plane.axis]));
    const go = make("button", { type: "button", textContent: lengthOf(ruler), title: "Show" });
    go.addEventListener("click", () => {
      state.plane = ruler.plane;
      state.at[plane.axis] = indexOf(plane, picture);
      update();
    });
    const remove = make("button", { type: "button", textContent: "×", ariaLabel: `Remove the ruler of ${lengthOf(ruler)}` });
    remove.addEventListener("click", () => removeRuler(index));
    return make("li", {}, go, make("span", { textContent: `${plane.name}, ${told(plane, picture).toLowerCase()}` }), remove);
  }));
}
