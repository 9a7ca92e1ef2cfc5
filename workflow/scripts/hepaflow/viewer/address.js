// The address of the page: it keeps what is shown, so that it can be sent on, and leads to what lies beside. Inside a
// report the page has no address of its own, and nothing beside it.

const HAS_ADDRESS = !["data:", "about:"].includes(location.protocol);

// How one looks at any exam, and where one is in this one.
function manner() {
  const parts = new URLSearchParams({
    plane: state.plane,
    window: `${Math.round(state.window.width)},${Math.round(state.window.level)}`,
    compare: exam.methods[state.compared],
    errors: state.errors ?? "",
  });
  LAYERS.forEach((name, layer) => state.shown[layer] && parts.append("layer", name));
  return parts;
}

function place() {
  const view = state.views[state.plane];
  const parts = new URLSearchParams({ slice: state.at[0] + 1, row: state.at[1] + 1, column: state.at[2] + 1 });
  if (state.onLiver) parts.set("view", "liver");
  else if (view) parts.set("view", [view.left, view.top, view.width, view.height].map((length) => length.toFixed(1)));
  return parts;
}

let remembering = 0;

function remember() {
  if (!HAS_ADDRESS) return;
  for (const link of $("links").querySelectorAll("a[data-exam]")) link.hash = manner();
  clearTimeout(remembering); // browsers allow only so many changes of the address in a while
  remembering = setTimeout(() => history.replaceState(null, "", `#${place()}&${manner()}`), 300);
}

function recall() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const [width, level] = (parts.get("window") ?? "").split(",").map(Number);
  const compared = exam.methods.indexOf(parts.get("compare"));
  const at = ["slice", "row", "column"].map((name, axis) =>
    parts.has(name) ? clamp(Math.trunc(Number(parts.get(name))) - 1 || 0, 0, exam.shape[axis] - 1) : state.at[axis]);
  state.at = [exam.kept[closest(at[0])], at[1], at[2]];
  if (Object.hasOwn(PLANES, parts.get("plane"))) state.plane = parts.get("plane");
  if (width > 0 && Number.isFinite(level)) state.window = { width, level };
  if (exam.hasReference && exam.structures.includes(parts.get("errors"))) state.errors = parts.get("errors");
  if (compared >= 0) {
    state.compared = compared;
    state.shown = LAYERS.map((name) => parts.getAll("layer").includes(name));
  }
  recallView(parts.get("view"));
}

function recallView(told) {
  if (told === "liver") state.onLiver = exam.liver !== null;
  const [left, top, width, height] = (told ?? "").split(",").map(Number);
  if (width > 0 && height > 0 && Number.isFinite(left + top)) state.views[state.plane] = { left, top, width, height };
}

// Previous and next exam, and the report; what there is none of is told, too.
function buildLinks() {
  if (!HAS_ADDRESS) return;
  for (const { to, name, address } of exam.links) {
    const isExam = to !== "report";
    const words = { "previous exam": "‹ Previous exam", "next exam": "Next exam ›", report: "Report" }[to];
    if (address) {
      const link = make("a", { href: address, textContent: words, title: name });
      if (isExam) link.dataset.exam = name;
      $("links").append(link);
    } else {
      $("links").append(make("span", { textContent: `no ${to}` }));
    }
  }
}
