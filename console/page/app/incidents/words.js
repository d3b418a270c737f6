// An incident in the words of the people who act on it: where, what, how far, since when.
import { t, word } from "../i18n.js";
import { duration, epoch, measured, number, unitText } from "../format.js";

export function placeText(i) {
  return [i.enterprise_name || i.enterprise, i.site_name || i.site, i.asset].filter(Boolean).join(" · ") || i.device || i.subject;
}

// The worst value of the episode. While it runs the finding's own peak is that of its last version, so the good points of
// the curve are asked too.
export function worst(i, curve) {
  if (i.end_at || i.peak === null || i.limit === null) return i.peak;
  const start = epoch(i.start_at);
  const values = (curve?.points ?? []).filter(([at, , quality]) => at >= start && quality <= 1).map(([, value]) => value);
  const most = i.peak >= i.limit ? Math.max : Math.min;
  return [i.peak, i.current ?? i.peak, ...values].reduce((a, b) => most(a, b));
}

// A limit is crossed upwards or downwards, and people say which.
export function whatText(i) {
  if (i.rule === "positive_test" && i.detail?.verdict === "suspicious") return t("rule_suspicious");
  if (i.rule !== "excursion") return word("rule", i.rule);
  const high = i.peak === null || i.limit === null || i.peak >= i.limit;
  const key = `rule_excursion.${i.metric}_${high ? "high" : "low"}`;
  const said = word("rule_excursion", `${i.metric}_${high ? "high" : "low"}`);
  return said === key.split(".")[1] ? `${word("metric", i.metric)} · ${word("rule", "excursion")}` : said;
}

// The value that matters now: the last one while it lasts, the worst one once it is over.
export function valueText(i) {
  if (i.rule === "door_open") return i.end_at ? t("value.closed") : t("value.open");
  if (i.rule !== "excursion") return "";
  const over = i.end_at || i.state === "closed";
  return measured(over ? i.peak : (i.current ?? i.peak), i.unit, i.metric);
}

export function limitText(i) {
  if (i.rule !== "excursion" || i.limit === null || i.limit === undefined) return "";
  const high = i.peak === null || i.peak >= i.limit;
  return `${high ? "≤" : "≥"} ${number(i.limit, Number.isInteger(i.limit) ? 0 : 1)}`;
}

// What stands where a value would, for findings that have none.
export function aspectText(i) {
  const d = i.detail || {};
  if (i.rule === "positive_test") return [d.item, d.sample].filter(Boolean).join(" · ");
  if (i.rule === "refused") return d.code ? word("code", d.code) : "";
  if (i.rule === "gateway_clock") return `${Number(d.ahead_s) > 0 ? "+" : ""}${number(Number(d.ahead_s), 0)} s`;
  return "";
}

export function bandText(row, unit) {
  if (!row) return "";
  const n = (v) => number(v, Number.isInteger(v) ? 0 : 1);
  const parts = [];
  if (row.low !== null && row.low !== undefined) parts.push(`${row.low_inclusive ? "≥" : ">"} ${n(row.low)}`);
  if (row.high !== null && row.high !== undefined) parts.push(`${row.high_inclusive ? "≤" : "<"} ${n(row.high)}`);
  return parts.length ? `${parts.join(", ")} ${unitText(unit)}`.trim() : "";
}

export function lasted(i, now) {
  return duration((i.end_at ? epoch(i.end_at) : now) - epoch(i.start_at));
}

// "ended" is not a state of the journal: it says that the excursion is over and a person has not yet looked.
export function stateKey(i) {
  return i.state !== "closed" && i.end_at ? "ended" : i.state;
}

// The whole row as one sentence, for screen readers and on hover.
export function sentence(i, now) {
  const value = [valueText(i), limitText(i) && t("row.limit", { limit: limitText(i) })].filter(Boolean).join(" ");
  return [t(`level.${i.severity}`), placeText(i), whatText(i), value || aspectText(i),
    t("row.since", { duration: lasted(i, now) }), t(`incident_state.${stateKey(i)}`), i.acknowledged_by,
    i.late ? t("row.late") : ""].filter(Boolean).join(t("row.joint"));
}

// What the search looks in: what one sees, in the language one sees it in, and the ids behind it.
export function haystack(i) {
  return [placeText(i), whatText(i), i.device, i.county, i.acknowledged_by].filter(Boolean).join(" ").toLowerCase();
}
