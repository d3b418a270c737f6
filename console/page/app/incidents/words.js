// An incident in the words of the people who act on it: where, what, how far, since when.
import { pick, t, word } from "../i18n.js";
import { duration, epoch, isSwitch, measured, number, unitText } from "../format.js";
import { ruleOf, ruleText } from "../rules.js";

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

// A limit is crossed upwards or downwards, and people say which; other rules have words for what the detail says.
export function whatText(i) {
  const rule = ruleOf(i.rule);
  const high = i.peak === null || i.limit === null || i.peak >= i.limit;
  const cases = [`${i.metric}_${high ? "high" : "low"}`, ...Object.entries(i.detail || {}).map(([key, value]) => `${key}_${value}`)];
  const variant = cases.find((name) => rule.variants[name]);
  if (variant) return pick(rule.variants[variant]);
  return rule.value === "measured" && i.metric ? `${word("metric", i.metric)} · ${ruleText(i.rule)}` : ruleText(i.rule);
}

// The value that matters now: the last one while it lasts, the worst one once it is over.
export function valueText(i) {
  const { value } = ruleOf(i.rule);
  if (value === "door") return i.end_at ? t("value.closed") : t("value.open");
  if (value !== "measured") return "";
  const over = i.end_at || i.state === "closed";
  return measured(over ? i.peak : (i.current ?? i.peak), i.unit, i.metric);
}

export function limitText(i) {
  if (ruleOf(i.rule).value !== "measured" || i.limit === null || i.limit === undefined) return "";
  const high = i.peak === null || i.peak >= i.limit;
  if (isSwitch(i.metric)) return measured(Number(!high), i.unit, i.metric); // the state it should be in
  return `${high ? "≤" : "≥"} ${number(i.limit, Number.isInteger(i.limit) ? 0 : 1)}`;
}

// What stands where a value would, for findings that have none.
export function aspectText(i) {
  const said = ruleOf(i.rule).aspects.map(({ key, how }) => aspectOf(i.detail?.[key], how));
  return said.filter(Boolean).join(" · ");
}

function aspectOf(value, how) {
  if (!value) return "";
  if (how === "code") return word("code", value);
  return how === "seconds" ? `${Number(value) > 0 ? "+" : ""}${number(Number(value), 0)} s` : value;
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
