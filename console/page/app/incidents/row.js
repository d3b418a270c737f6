// One incident on one line: level, place, what, value against limit, how long, state. A link, so that every way of
// following a link works.
import { html } from "../lib.js";
import { t } from "../i18n.js";
import { fullStamp } from "../format.js";
import { now } from "../clock.js";
import { href } from "../router.js";
import { Level } from "../shell/icons.js";
import { arrivedJustNow } from "./store.js";
import { aspectText, lasted, limitText, sentence, stateKey, valueText, whatText } from "./words.js";

export function Row({ incident, selected, onOpen }) {
  const i = incident;
  const said = sentence(i, now.value);
  const state = stateKey(i);
  const classes = ["row", "incident", `row-level-${i.severity}`, `is-${state}`, arrivedJustNow(i.id) && "arrived"];
  return html`<div role="listitem">
    <a class=${classes.filter(Boolean).join(" ")} href=${href("incidents", i.id)} data-id=${i.id} data-testid="incident"
      data-rule=${i.rule} data-state=${i.state} data-severity=${i.severity} data-device=${i.device}
      aria-current=${selected ? "true" : undefined} title=${said} onClick=${(event) => onOpen(event, i.id)}>
      <${Level} level=${i.severity} />
      <span class="row-place"><span class="enterprise">${i.enterprise_name || i.enterprise || i.device || i.subject}</span>${i.site_name && html`<i class="site">${i.site_name}</i>`}${i.asset && html`<i class="asset">${i.asset}</i>`}</span>
      <span class="row-what"><span>${whatText(i)}</span>${i.late && html`<em class="tag">${t("row.late")}</em>`}</span>
      <span class="row-value">${valueText(i) ? html`<b>${valueText(i)}</b><i>${limitText(i)}</i>` : html`<i class="aspect">${aspectText(i)}</i>`}</span>
      <span class="row-since" title=${fullStamp(i.start_at)}>${lasted(i, now.value)}</span>
      <span class="row-state">${state === "acknowledged" && i.acknowledged_by ? i.acknowledged_by : t(`incident_state.${state}`)}</span>
    </a>
  </div>`;
}
