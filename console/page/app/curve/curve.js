// A curve with its limits. uPlot draws the line; everything that gives it meaning is in marks.js.
import { html, useEffect, useLayoutEffect, useRef } from "../lib.js";
import { language, t, word } from "../i18n.js";
import { clockTime, day, isSwitch, measured, number, stamp, unitText, ZONE } from "../format.js";
import { isDark } from "../media.js";
import uPlot from "../../vendor/uplot.js";
import { colours } from "./colours.js";
import { limitLines, series, yRange } from "./data.js";
import { hands } from "./input.js";
import { marks } from "./marks.js";

const HEIGHT = 260;

export function Curve({ curve, metric, unit, height = HEIGHT }) {
  const box = useRef(null);
  const readout = useRef(null);
  const live = useRef({});
  const plot = useRef(null);
  const empty = curve && !curve.points.length;
  const ready = Boolean(curve) && !empty;

  if (curve) {
    const drawn = series(curve);
    live.current = { ...live.current, curve, ...drawn, lines: isSwitch(metric) ? [] : limitLines(curve.limits) };
  }
  // Built again when words or colours change; new points are only handed over.
  useLayoutEffect(() => {
    if (!ready) return undefined;
    live.current.paint = colours();
    live.current.chosen = false;
    const u = new uPlot(options(live, readout, metric, unit, box.current.clientWidth, height), [live.current.xs, live.current.ys], box.current);
    plot.current = u;
    const observer = new ResizeObserver(() => u.setSize({ width: box.current.clientWidth, height }));
    observer.observe(box.current);
    return () => (observer.disconnect(), u.destroy(), (plot.current = null));
  }, [ready, language.value, isDark.value, metric, height]);
  useEffect(() => {
    // A range that somebody has chosen stays; otherwise the curve goes on with time.
    plot.current?.setData([live.current.xs, live.current.ys], !live.current.chosen);
    if (live.current.chosen) plot.current?.redraw();
  }, [curve]);

  return html`<figure class="curve" data-testid="curve" data-points=${curve?.points.length ?? 0}>
    <figcaption><b>${word("metric", metric)}</b>${unitText(unit) && html` <i>${unitText(unit)}</i>`}<output ref=${readout} data-testid="curve-readout"></output></figcaption>
    ${empty && html`<p class="empty">${t("curve.empty")}</p>`}
    <div class="curve-box" ref=${box} style=${{ minHeight: empty ? 0 : `${height}px` }} role="group" aria-label=${t("curve.label", { metric: word("metric", metric) })}></div>
  </figure>`;
}

function options(live, readout, metric, unit, width, height) {
  const { paint } = live.current;
  const whole = () => extent(live.current);
  const axis = { stroke: paint.muted, font: paint.font, grid: { stroke: paint.grid, width: 1 }, ticks: { show: false } };
  return {
    width, height, ms: 1, tzDate: (ms) => uPlot.tzDate(new Date(ms), ZONE),
    padding: [10, isSwitch(metric) ? 12 : 78, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false, setScale: false }, y: false, points: { size: 7, fill: paint.trace } },
    scales: {
      x: { time: true, range: (u, min, max) => (live.current.chosen ? [min, max] : extent(live.current)) },
      y: { range: () => yRange(live.current.ys, live.current.lines, metric) },
    },
    axes: [
      { ...axis, size: 30, gap: 8, space: 84, values: (u, splits, i, space, step) => timeLabels(splits, step) },
      { ...axis, size: 52, splits: isSwitch(metric) ? () => [0, 1] : undefined,
        values: (u, splits) => splits.map((v) => (isSwitch(metric) ? measured(v, "", metric) : number(v, splits.every(Number.isInteger) ? 0 : 1))) },
    ],
    series: [{}, { stroke: paint.trace, width: 1.5, points: { size: 4, fill: paint.trace, width: 0 }, spanGaps: false,
      paths: isSwitch(metric) ? uPlot.paths.stepped({ align: 1 }) : undefined }],
    plugins: [marks(() => live.current), hands(whole, (chosen) => (live.current.chosen = chosen))],
    hooks: { setCursor: [(u) => read(u, readout.current, metric, unit)] },
  };
}

function extent({ curve, xs }) {
  const from = Date.parse(curve.from);
  const to = Date.parse(curve.to);
  return [Number.isFinite(from) ? from : xs[0], Number.isFinite(to) ? Math.max(to, xs.at(-1)) : xs.at(-1)];
}

function timeLabels(splits, step) {
  let last = "";
  return splits.map((ms) => {
    if (step >= 86_400_000) return day(ms).slice(5);
    const text = clockTime(ms);
    const date = day(ms).slice(5);
    const label = step < 60_000 ? text : text.slice(0, 5);
    const turned = last && date !== last;
    last = date;
    return turned ? `${date} ${label}` : label;
  });
}

function read(u, output, metric, unit) {
  if (!output) return;
  const i = u.cursor.idx;
  const value = i === null || i === undefined ? null : u.data[1][i];
  output.textContent = value === null || value === undefined ? "" : `${stamp(u.data[0][i])}  ${measured(value, unit, metric)}`;
}
