// The facts an operator needs before she lifts the telephone. What is not known is left out, not guessed.
import { html } from "../lib.js";
import { pick, t, word } from "../i18n.js";
import { day, fullStamp, isSwitch, measured, stamp, telephoneHref } from "../format.js";
import { now } from "../clock.js";
import { ruleOf } from "../rules.js";
import { aspectText, bandText, lasted, limitText, valueText, worst } from "./words.js";

export function Facts({ incident: i, more, curve }) {
  const row = more?.profile_row;
  const over = i.end_at || i.state === "closed";
  const facts = [];
  const { value } = ruleOf(i.rule);
  if (value === "measured") {
    facts.push(["value", t(over ? "fact.peak" : "fact.current"), valueText(i), "strong"]);
    facts.push(["limit", t("fact.limit"), (!isSwitch(i.metric) && bandText(row, i.unit)) || limitText(i)]);
    if (!over) facts.push(["peak", t("fact.peak"), measured(worst(i, curve), i.unit, i.metric)]);
  } else if (valueText(i) || aspectText(i)) {
    facts.push(["value", t(value === "door" ? "fact.door" : "fact.found"), valueText(i) || aspectText(i), "strong"]);
  }
  if (!i.persistent) facts.push(["lasted", t(over ? "fact.lasted" : "fact.lasting"), lasted(i, now.value), facts.length ? "" : "strong"]);
  const doIt = pick(more?.what_to_do);
  return html`<section class="facts">
    <dl class="fact-row">
      ${facts.map(([key, name, text, strong]) => html`<div key=${key} class=${strong || ""}><dt>${name}</dt><dd data-testid=${`fact-${key}`}>${text}</dd></div>`)}
      <div><dt>${t(i.persistent ? "fact.at" : "fact.since")}</dt><dd title=${fullStamp(i.start_at)} data-testid="fact-since">${stamp(i.start_at, now.value)}</dd></div>
      ${over && i.detail?.reason && html`<div class="strong"><dt>${t("fact.ended")}</dt><dd data-testid="fact-ended">${word("ended", i.detail.reason)}</dd></div>`}
      ${i.end_at && !i.persistent && html`<div><dt>${t("fact.until")}</dt><dd title=${fullStamp(i.end_at)}>${stamp(i.end_at, now.value)}</dd></div>`}
    </dl>
    ${i.late && html`<p class="late-note">${t("detail.late")}</p>`}
    ${(doIt || !more) && html`<div class="todo"><b>${t("fact.todo")}</b><p data-testid="fact-todo">${doIt || " "}</p>
      ${i.telephone && html`<p data-testid="fact-telephone">${t("fact.telephone")} <a href=${telephoneHref(i.telephone)}>${i.telephone}</a>${i.business_hours && ` · ${i.business_hours}`}</p>`}</div>`}
    ${row && html`<p class="source">${t("fact.source")} ${row.source}${row.clause && ` · ${row.clause}`} ·
      <span title=${t(`evidence_hint.${row.evidence}`)}> ${t(`evidence.${row.evidence}`)}</span> ·
      ${t("fact.version", { profile: i.profile, version: row.version ?? i.profile_version, day: day(row.effective_from) })}</p>`}
  </section>`;
}
