// Marks under the slider: where liver and lesions are, and which slices are bad.

const LOW_DICE = 0.5;
const HIGH_DISAGREEMENT = 50; // percent
const BAD_COLOUR = "#f0e442";
const THUMB = 8; // half of the slider's knob, in pixels of the page: so far from its ends its own range ends

// How bad a slice is, from 0 to 1: by the lower Dice of the compared method; null where there is nothing to compare.
function wrongness(slice) {
  if (!exam.hasReference) return null;
  const scores = exam.structures.map((structure) => diceOfSlice(state.compared, structure, slice)).filter((score) => score !== null);
  return scores.length ? 1 - Math.min(...scores) : null;
}

// How far the networks disagree in a slice, from 0 to 1: on the structure on which they disagree more.
function disagreedIn(slice) {
  return Math.max(0, ...Object.values(exam.disagreed).map((means) => means[slice])) / 100;
}

function isBad(slice) {
  return exam.hasReference ? (wrongness(slice) ?? 0) > 1 - LOW_DICE : disagreedIn(slice) > HIGH_DISAGREEMENT / 100;
}

const badSlices = () => exam.kept.filter(isBad);

// Go to the next bad slice towards the head, or with -1 towards the feet; from the last one to the first.
function goToBad(direction = 1) {
  const bad = direction > 0 ? badSlices() : badSlices().reverse();
  if (!bad.length) return;
  const ahead = bad.find((slice) => direction * (slice - state.at[0]) > 0);
  state.plane = "axial";
  state.at[0] = ahead ?? bad[0];
  update();
}

// Lanes of the strip, from top to bottom.
function lanes(plane) {
  const along = exam.kept.map((slice, picture) => [picture, slice]);
  const bars = (name, colour, valueOf) => ({
    name, colour, height: 8, bars: along.map(([picture, slice]) => [picture, valueOf(slice) ?? 0]),
  });
  const found = exam.structures.map((structure) => ({
    name: structure, colour: exam.colours[structure], height: 3, ranges: exam.extents[structure][plane.axis],
  }));
  if (plane.axis !== 0) return found;
  if (exam.hasReference) found.push(bars("wrong", BAD_COLOUR, wrongness));
  if (Object.keys(exam.disagreed).length) found.push(bars("disagreement", `rgb(${SCALE[2]})`, disagreedIn));
  return found;
}

function drawMarks() {
  const canvas = $("marks");
  const plane = PLANES[state.plane];
  const ratio = window.devicePixelRatio || 1;
  const shown = lanes(plane);
  const height = shown.reduce((sum, lane) => sum + lane.height + 2, 0);
  canvas.style.height = `${height}px`;
  canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  const count = countOf(plane);
  const width = canvas.width - 2 * THUMB * ratio;
  const step = count > 1 ? width / (count - 1) : width;
  const xOf = (picture) => THUMB * ratio + (count > 1 ? picture * step : width / 2);
  let top = 0;
  for (const lane of shown) {
    const bottom = top + lane.height * ratio;
    const draw = (from, to, share) => {
      const [left, right] = [xOf(from - 0.5), Math.max(xOf(to + 0.5), xOf(from - 0.5) + ratio)];
      context.fillRect(left, bottom - share * lane.height * ratio, right - left, share * lane.height * ratio);
    };
    context.fillStyle = "#3a3a3a";
    context.fillRect(xOf(0), bottom - ratio, xOf(count - 1) - xOf(0), ratio);
    context.fillStyle = lane.colour;
    for (const [start, stop] of lane.ranges ?? []) draw(pictureWith(plane, start), pictureWith(plane, stop - 1), 1);
    for (const [picture, share] of lane.bars ?? []) if (share > 0) draw(picture, picture, share);
    top = bottom + 2 * ratio;
  }
  const bad = badSlices().length;
  for (const key of document.querySelectorAll("#marks-key [data-lane]")) {
    key.hidden = !shown.some(({ name }) => name === key.dataset.lane);
  }
  $("bad").disabled = !bad;
  $("bad").textContent = `${bad || "No"} bad ${bad === 1 ? "slice" : "slices"}${bad ? " ›" : ""}`;
  $("bad").title = exam.hasReference
    ? `Dice of ${exam.methods[state.compared]} under ${LOW_DICE}, of liver or lesions`
    : `networks disagree by more than ${HIGH_DISAGREEMENT} %`;
  $("bad").hidden = !exam.hasReference && !Object.keys(exam.disagreed).length;
}

// A click into the strip leads there.
function onMarks(event) {
  const share = (event.offsetX - THUMB) / Math.max(1, $("marks").clientWidth - 2 * THUMB);
  show(Math.round(share * (countOf(PLANES[state.plane]) - 1)));
}
