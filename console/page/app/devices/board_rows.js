// The board's order and choices. Pure: devices in, rows out (a heading for each site, then its devices).
import { word } from "../i18n.js";

const BADNESS = { breach: 0, unknown: 1, pending: 2, suppressed: 3, in_range: 4, none: 5 };

// The state of a device is the worst of its points'.
export function stateOf(device) {
  if (device.retired_at) return "retired";
  if (!device.points.length) return "no_points";
  return device.points.map((p) => p.state).sort((a, b) => BADNESS[a] - BADNESS[b])[0] ?? "none";
}

const FRESH_MS = 120_000;

// How old a value is by its own time, where that is more than the device may be unheard; null while it is fresh. That the
// device was heard just now says nothing of it: what it sent may have been refused, or be hours old.
export function ownAge(point, device, now) {
  if (point.value === null || point.value === undefined || !point.at) return null;
  const age = now - Date.parse(point.at);
  return age > Math.max(FRESH_MS, (device.interval_s ?? 0) * 2000) ? age : null;
}

const FIRST = ["temperature", "humidity", "open", "mains"];

// Points in the order people ask for them, whatever the order they came in.
export function pointsOf(device) {
  const place = (p) => (FIRST.indexOf(p.metric) + 1 || FIRST.length + 1);
  return [...device.points].sort((a, b) => place(a) - place(b) || a.metric.localeCompare(b.metric));
}

export const CHOICES = {
  all: () => true,
  breach: (d) => stateOf(d) === "breach",
  unknown: (d) => stateOf(d) === "unknown",
  incidents: (d) => d.open_incidents > 0,
  refused: (d) => d.refused_24h > 0,
};

export function countChoices(devices) {
  return Object.fromEntries(Object.entries(CHOICES).map(([name, holds]) => [name, devices.filter(holds).length]));
}

function haystack(d) {
  return [d.device, d.enterprise_name, d.site_name, d.asset, d.kind, word("kind", d.kind), d.behind].join(" ").toLowerCase();
}

const place = (d) => `${d.enterprise_name} ${d.enterprise} ${d.site_name} ${d.site}`;

export function boardRows(devices, { choice, text }) {
  const chosen = devices.filter((d) => CHOICES[choice](d) && (!text || haystack(d).includes(text)));
  chosen.sort((a, b) => compareText(place(a), place(b)) || compareText(a.asset ?? "", b.asset ?? "") || compareText(a.device, b.device));
  const rows = [];
  let heading = null;
  for (const d of chosen) {
    const group = `${d.enterprise}/${d.site}`;
    if (group !== heading?.heading) {
      heading = { heading: group, enterprise: d.enterprise_name, site: d.site_name, devices: 0, open: 0 };
      rows.push(heading);
    }
    rows.push(d);
    heading.devices += 1;
    heading.open += d.open_incidents;
  }
  return rows;
}

const collator = new Intl.Collator("zh-CN", { numeric: true });
const compareText = (a, b) => collator.compare(a, b);
