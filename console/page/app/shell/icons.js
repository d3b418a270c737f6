// Signs drawn as paths, so that a shape looks the same on every machine. Shapes carry the level; colour repeats it.
import { html } from "../lib.js";
import { t } from "../i18n.js";

const SHAPES = {
  1: "M8 1.6 15 14.4H1Z",
  2: "M8 .8 15.200 8 8 15.200.800 8Z",
  3: "M8 1.600a6.400 6.400 0 1 0 0 12.800A6.400 6.400 0 0 0 8 1.600Z",
  4: "M2.200 2.200h11.600v11.600H2.200Z",
};

export function Shape({ level, size = 12 }) {
  return html`<svg class="shape" width=${size} height=${size} viewBox="0 0 16 16" aria-hidden="true">
    <path d=${SHAPES[level]} fill="currentColor" />
  </svg>`;
}

// ▲ 红 with the word of what is asked for on hover.
export function Level({ level, long = false }) {
  const name = t(`level.${level}`);
  const ask = t(`level_ask.${level}`);
  return html`<span class="level level-${level}" title=${`${name} · ${ask}`}>
    <${Shape} level=${level} /><b>${name}</b>${long && html`<span>${ask}</span>`}
  </span>`;
}

// The state of a point: colour only for a breach; pending is half filled, unknown hatched, suppressed dotted.
export function StateMark({ state }) {
  return html`<span class="mark mark-${state}" aria-hidden="true"></span>`;
}

const ICONS = {
  incidents: "M10 3.500 17.500 16.500h-15ZM10 8.200v4M10 14.100v.6",
  devices: "M3.500 4.500h13v4.500h-13ZM3.500 11h13v4.500h-13ZM6 6.750h.1M6 13.250h.1M9 6.750h4.500M9 13.250h4.500",
  results: "M8 3v5L3.800 15.200A1.500 1.500 0 0 0 5.100 17.500h9.800a1.500 1.500 0 0 0 1.300-2.300L12 8V3M6.800 3h6.400M5.600 13h8.800",
  frames: "M3 6.500h9.500v7.500H3ZM12.500 9.200 17 6.800v6.900l-4.500-2.400",
  user: "M10 9.500a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM4 16.800c.5-3 2.900-4.600 6-4.600s5.500 1.600 6 4.600",
  search: "M9 14.500a5.500 5.500 0 1 0 0-11 5.500 5.500 0 0 0 0 11ZM13 13l4 4",
  close: "M5 5l10 10M15 5 5 15",
  back: "M12 4.500 6.500 10 12 15.500",
};

export function Icon({ name, size = 20 }) {
  return html`<svg class="icon" width=${size} height=${size} viewBox="0 0 20 20" fill="none" stroke="currentColor"
    stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${ICONS[name]} /></svg>`;
}
