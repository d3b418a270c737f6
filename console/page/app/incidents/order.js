// The order of the list, and how it is kept still. Pure: arrays in, arrays out.

// Worst first, then what nobody has taken, then the newest.
export function compareOpen(a, b) {
  return a.severity - b.severity
    || Number(a.state !== "open") - Number(b.state !== "open")
    || compareNewest(a, b);
}

export function compareNewest(a, b) {
  return b.opened_ms - a.opened_ms || (a.id < b.id ? -1 : 1);
}

// haystack: incident -> the lower-case text that the search looks in.
export function inView(incident, { state, level, text }, haystack) {
  if (state === "open" && incident.state === "closed") return false;
  if (state === "closed" && incident.state !== "closed") return false;
  if (level && incident.severity !== level) return false;
  return !text || haystack(incident).includes(text);
}

export function arrange(incidents, view, haystack) {
  return incidents.filter((i) => inView(i, view, haystack)).sort(view.state === "open" ? compareOpen : compareNewest);
}

// The selected row stays at the place it had: the others flow round it.
export function pin(ordered, before, selected) {
  const was = before.findIndex((i) => i.id === selected);
  const is = ordered.findIndex((i) => i.id === selected);
  if (was < 0 || is < 0 || was === is) return ordered;
  const others = ordered.filter((i) => i.id !== selected);
  others.splice(Math.min(was, others.length), 0, ordered[is]);
  return others;
}

// While somebody reads, rows keep their places and only their content is renewed.
export function hold(before, current) {
  const shown = before.map((i) => current.get(i.id) ?? i);
  const known = new Set(before.map((i) => i.id));
  return { shown, isKnown: (id) => known.has(id) };
}

export function countLevels(incidents) {
  const counts = { 1: 0, 2: 0, 3: 0, 4: 0 };
  for (const i of incidents) counts[i.severity] += 1;
  return counts;
}
