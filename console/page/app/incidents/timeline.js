// What happened to the incident, oldest first: who, when, why. Nothing here can be edited.
import { html } from "../lib.js";
import { t } from "../i18n.js";
import { fullStamp, stamp } from "../format.js";
import { now } from "../clock.js";
import { Shape } from "../shell/icons.js";

export function Timeline({ incident, events }) {
  return html`<section class="panel" aria-label=${t("detail.timeline")}><h3>${t("detail.timeline")}</h3>
    <ol class="timeline" data-testid="timeline">
      ${(events ?? []).map((e) => html`<li key=${e.id} data-transition=${e.transition}>
        <time title=${fullStamp(e.at)}>${stamp(e.at, now.value)}</time>
        <span class=${`level-${e.severity}`}><${Shape} level=${e.severity} size=${10} /></span>
        <span><b>${t(`transition.${e.transition}`)}</b> <i>${e.actor === "system" ? t("actor.system") : e.actor}</i>
          ${e.note && html`<q>${e.note}</q>`}</span>
      </li>`)}
      ${!events && html`<li class="pending"><time>${stamp(incident.opened_at, now.value)}</time><span></span><span>${t("transition.opened")}</span></li>`}
    </ol></section>`;
}
