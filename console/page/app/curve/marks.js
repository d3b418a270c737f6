// What lies behind and over the line: bands of breach, silence and grace; limits with their values at the right end;
// flagged samples as hollow points; late ones as ticks on the axis.
import { t, word } from "../i18n.js";
import { number } from "../format.js";
import { hatch } from "./colours.js";
import { spread } from "./data.js";

// state(): {curve, lines, flagged, late, alone, paint} as they are now.
export function marks(state) {
  return { hooks: { drawClear: [(u) => drawBands(u, state())], draw: [(u) => drawCaptions(u, state()), (u) => drawBreaches(u, state()), (u) => drawLimits(u, state()), (u) => drawSamples(u, state())] } };
}

function clipped(u, draw) {
  const { left, top, width, height } = u.bbox;
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(left, top, width, height);
  u.ctx.clip();
  draw(u.ctx, left, top, width, height, devicePixelRatio);
  u.ctx.restore();
}

const x = (u, ms) => u.valToPos(ms, "x", true);

function drawBands(u, { curve, paint }) {
  clipped(u, (pen, left, top, width, height, ratio) => {
    const edge = u.scales.x.max;
    const band = (from, to) => [x(u, from), Math.max(ratio, x(u, to ?? edge) - x(u, from))];
    for (const [from, to, severity] of curve?.breaches ?? []) {
      const [at, wide] = band(from, to);
      pen.fillStyle = paint.tint[severity];
      pen.fillRect(at, top, wide, height);
    }
    pen.fillStyle = hatch(pen, paint.line, ratio);
    for (const [from, to] of curve?.unknown ?? []) {
      const [at, wide] = band(from, to);
      pen.fillRect(at, top, wide, height);
    }
    for (const [from, to] of curve?.suppressed ?? []) {
      const [at, wide] = band(from, to);
      pen.strokeStyle = paint.muted;
      pen.setLineDash([2 * ratio, 3 * ratio]);
      pen.strokeRect(at, top + ratio, wide, height - 2 * ratio);
      pen.setLineDash([]);
    }
  });
}

// Over the grid, each on a ground of its own.
function drawCaptions(u, { curve, paint }) {
  const named = [
    ...(curve?.suppressed ?? []).map(([from, to, reason]) => [from, to, reason ? word("reason", reason) : t("state.suppressed")]),
    ...(curve?.unknown ?? []).map(([from, to]) => [from, to, t("state.unknown")]),
  ];
  clipped(u, (pen, left, top, width, height, ratio) => {
    for (const [from, to, text] of named) {
      const at = x(u, from);
      caption(pen, text, at, top, x(u, to ?? u.scales.x.max) - at, paint, ratio);
    }
  });
}

// The line again in the level's colour where it was out of limits, with a bar on top for those who see no colour.
function drawBreaches(u, { curve, paint }) {
  const path = u.series[1]._paths?.stroke;
  for (const [from, to, severity] of curve?.breaches ?? []) {
    clipped(u, (pen, left, top, width, height, ratio) => {
      const at = x(u, from);
      const wide = Math.max(ratio, x(u, to ?? u.scales.x.max) - at);
      pen.fillStyle = paint.level[severity];
      pen.fillRect(at, top, wide, 3 * ratio);
      if (!path) return;
      pen.beginPath();
      pen.rect(at, top, wide, height);
      pen.clip();
      pen.strokeStyle = paint.level[severity];
      pen.lineWidth = 2 * ratio;
      pen.stroke(path);
    });
  }
}

// A band's name, where there is room for it.
function caption(pen, text, at, top, wide, paint, ratio) {
  pen.font = scaled(paint.font, ratio, 11);
  const needs = pen.measureText(text).width;
  if (!text || needs + 12 * ratio > wide) return;
  pen.fillStyle = paint.surface;
  pen.fillRect(at + 4 * ratio, top + 6 * ratio, needs + 4 * ratio, 15 * ratio);
  pen.fillStyle = paint.muted;
  pen.textAlign = "left";
  pen.textBaseline = "top";
  pen.fillText(text, at + 6 * ratio, top + 8 * ratio);
}

function scaled(font, ratio, size) {
  return font.replace(/^\d+px/, `${size * ratio}px`);
}

function drawLimits(u, { lines, paint }) {
  const { left, width } = u.bbox;
  const ratio = devicePixelRatio;
  const right = left + width;
  const within = (at) => Math.min(right, Math.max(left, at));
  const named = lines.filter((l) => l.last);
  const labels = spread(named.map((l) => u.valToPos(l.value, "y", true)), 14 * ratio);
  u.ctx.save();
  u.ctx.font = scaled(paint.font, ratio, 11);
  u.ctx.textAlign = "left";
  u.ctx.textBaseline = "middle";
  lines.forEach((line) => {
    const legal = line.key === "low" || line.key === "high";
    u.ctx.strokeStyle = legal ? paint.ink : paint.muted;
    u.ctx.lineWidth = ratio;
    u.ctx.setLineDash(legal ? [] : [5 * ratio, 4 * ratio]);
    u.ctx.beginPath();
    const height = Math.round(u.valToPos(line.value, "y", true)) + 0.5;
    u.ctx.moveTo(within(x(u, line.from)), height);
    u.ctx.lineTo(line.last ? right : within(x(u, line.to)), height);
    u.ctx.stroke();
    if (!line.last) return;
    u.ctx.fillStyle = legal ? paint.ink : paint.muted;
    u.ctx.fillText(`${t(`limit.${line.key}`)} ${number(line.value, Number.isInteger(line.value) ? 0 : 1)}`, right + 6 * ratio, labels[named.indexOf(line)]);
  });
  u.ctx.restore();
}

function drawSamples(u, { flagged, late, alone, paint }) {
  clipped(u, (pen, left, top, width, height, ratio) => {
    pen.fillStyle = paint.trace;
    for (const [at, value] of alone) {
      pen.beginPath();
      pen.arc(x(u, at), u.valToPos(value, "y", true), 2.5 * ratio, 0, 2 * Math.PI);
      pen.fill();
    }
    pen.lineWidth = 1.5 * ratio;
    pen.strokeStyle = paint.trace;
    pen.fillStyle = paint.surface;
    for (const [at, value] of flagged) {
      pen.beginPath();
      pen.arc(x(u, at), u.valToPos(value, "y", true), 3 * ratio, 0, 2 * Math.PI);
      pen.fill();
      pen.stroke();
    }
    pen.strokeStyle = paint.muted;
    for (const at of late) {
      pen.beginPath();
      pen.moveTo(x(u, at), top + height - 6 * ratio);
      pen.lineTo(x(u, at), top + height);
      pen.stroke();
    }
  });
}
