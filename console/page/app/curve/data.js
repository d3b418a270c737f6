// From the API's points to what is drawn. Pure. A line is never drawn across a gap or a time of silence.
import { isSwitch } from "../format.js";

// points: [[ms, value, quality, late]], ascending. Returns {xs, ys, flagged, late, alone}: xs in ms, null in ys breaks the
// line; alone: samples with a break on either side, of which there is no line to see.
export function series(curve) {
  const points = curve?.points ?? [];
  const gap = gapOf(points, curve?.interval_s);
  const unknown = curve?.unknown ?? [];
  const xs = [];
  const ys = [];
  const flagged = [];
  const late = [];
  let before = null;
  for (const [at, value, quality, isLate] of points) {
    if (before !== null && (at - before > gap || unknown.some(([from, to]) => from < at && (to ?? Infinity) > before && from >= before))) {
      xs.push((before + at) / 2);
      ys.push(null);
    }
    xs.push(at);
    ys.push(value);
    if (quality > 1) flagged.push([at, value]);
    if (isLate) late.push(at);
    before = at;
  }
  const alone = [];
  ys.forEach((y, i) => {
    if (y !== null && (ys[i - 1] ?? null) === null && (ys[i + 1] ?? null) === null) alone.push([xs[i], y]);
  });
  return { xs, ys, flagged, late, alone };
}

// More than two of the device's intervals, or of the usual distance where the server has thinned the points out.
function gapOf(points, interval) {
  const steps = [];
  for (let i = 1; i < points.length; i += 1) steps.push(points[i][0] - points[i - 1][0]);
  steps.sort((a, b) => a - b);
  const usual = steps[Math.floor(steps.length / 2)] ?? 0;
  return Math.max((interval ?? 0) * 1000, usual) * 2.2;
}

const LIMITS = ["low", "high", "tolerance_low", "tolerance_high", "reject_low", "reject_high"];

// The limits that were in force, [{from, to, low, high, ...}], as lines, lowest first: [{key, value, from, to, last}]. The
// legal one wins where two are equal; one that goes on through a change is one line. last: it holds at the right end.
export function limitLines(limits) {
  const lines = [];
  for (const step of limits ?? []) {
    const values = new Set();
    for (const key of LIMITS) {
      const value = step[key];
      if (value === null || value === undefined || values.has(value)) continue;
      values.add(value);
      const before = lines.find((l) => l.key === key && l.value === value && l.to === step.from);
      if (before) before.to = step.to;
      else lines.push({ key, value, from: step.from, to: step.to });
    }
  }
  const end = Math.max(...lines.map((l) => l.to));
  return lines.map((l) => ({ ...l, last: l.to === end })).sort((a, b) => a.value - b.value);
}

// The y range holds every value and every limit, with some air.
export function yRange(ys, lines, metric) {
  if (isSwitch(metric)) return [-0.15, 1.15];
  let low = Infinity;
  let high = -Infinity;
  for (const y of ys) {
    if (y === null) continue;
    if (y < low) low = y;
    if (y > high) high = y;
  }
  for (const { value } of lines) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  const air = Math.max((high - low) * 0.1, 0.5);
  return [low - air, high + air];
}

// Label places for the right end: pixel positions pushed apart to `height`, in the order they came.
export function spread(positions, height) {
  const out = [...positions];
  for (let i = 1; i < out.length; i += 1) if (out[i - 1] - out[i] < height) out[i] = out[i - 1] - height;
  return out;
}
