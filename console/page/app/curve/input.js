// Hands on the curve: wheel zooms, drag pans, double click shows all, arrow keys move the cursor.
const ZOOM = 0.8;
const NARROWEST_MS = 10_000;

// moved(true) when the user has chosen a range, moved(false) when all is shown again; whole() -> [min, max] of all.
export function hands(whole, moved) {
  return { hooks: { ready: [(u) => attach(u, whole, moved)] } };
}

function show(u, min, max, whole, moved) {
  const [first, last] = whole();
  const span = Math.max(NARROWEST_MS, Math.min(max - min, last - first));
  const from = Math.max(first, Math.min(min, last - span));
  moved(span < last - first);
  u.setScale("x", { min: from, max: from + span });
}

function attach(u, whole, moved) {
  const { over } = u;
  over.tabIndex = 0;
  over.addEventListener("wheel", (event) => {
    if (!event.deltaY) return;
    event.preventDefault();
    const { min, max } = u.scales.x;
    const at = u.posToVal(event.offsetX, "x");
    const factor = event.deltaY < 0 ? ZOOM : 1 / ZOOM;
    show(u, at - (at - min) * factor, at + (max - at) * factor, whole, moved);
  }, { passive: false });
  over.addEventListener("pointerdown", (event) => {
    if (event.button || event.pointerType === "touch") return; // a finger scrolls the page
    const { min, max } = u.scales.x;
    const scale = (max - min) / over.clientWidth;
    const pan = (e) => show(u, min - (e.clientX - event.clientX) * scale, max - (e.clientX - event.clientX) * scale, whole, moved);
    const done = () => (over.removeEventListener("pointermove", pan), over.classList.remove("panning"));
    over.setPointerCapture(event.pointerId);
    over.classList.add("panning");
    over.addEventListener("pointermove", pan);
    over.addEventListener("pointerup", done, { once: true });
    over.addEventListener("pointercancel", done, { once: true });
  });
  over.addEventListener("dblclick", () => show(u, ...whole(), whole, moved));
  over.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    let i = (u.cursor.idx ?? u.data[0].length - 1) + step;
    while (i >= 0 && i < u.data[0].length && u.data[1][i] === null) i += step;
    if (i < 0 || i >= u.data[0].length) return;
    u.setCursor({ left: u.valToPos(u.data[0][i], "x"), top: u.valToPos(u.data[1][i], "y") });
  });
}
