// One incident: the facts first, then the proof (curve, picture or test), then what was done. Actions stay at the foot.
import { html, useEffect, useRef } from "../lib.js";
import { pick, t } from "../i18n.js";
import { listen } from "../live.js";
import { isWide } from "../media.js";
import { useResource } from "../resource.js";
import { go, href } from "../router.js";
import { Icon, Level } from "../shell/icons.js";
import { Actions } from "./actions.js";
import { Evidence } from "./evidence.js";
import { Facts } from "./facts.js";
import { Timeline } from "./timeline.js";
import { incidents, upsert } from "./store.js";
import { placeText, stateKey, whatText } from "./words.js";

const CURVE_MS = 5000;

export function Detail({ id }) {
  const { data, error, reload } = useResource(`incidents/${encodeURIComponent(id)}`);
  useEffect(() => listen({ incident: (i) => i.id === id && reload(), resumed: reload }), [id]);
  useEffect(() => void (data && upsert([withoutExtras(data)])), [data]);
  const article = useRef(null);
  useEffect(() => void (isWide.peek() || article.current?.focus()), []); // it covers the list, so the focus comes along
  // The list already knows the row, so the head stands at once; the rest keeps its place while it loads.
  const known = incidents.value.get(id);
  const incident = data && known ? { ...data, ...known } : (data ?? known);
  const running = incident && !incident.end_at && incident.state !== "closed";
  const curve = useResource(incident?.metric ? `incidents/${encodeURIComponent(id)}/curve` : null, running ? CURVE_MS : 0);
  const close = () => go("incidents");
  if (!incident) {
    return html`<article class="detail" ref=${article} tabindex="-1" data-testid="detail"><${Head} onClose=${close} />
      ${error ? html`<div class="notice" role="alert">${pick(error)} <small>${error.code}</small><button onClick=${reload}>${t("action.again")}</button></div>`
        : html`<div class="skeleton tall" aria-hidden="true">${[1, 2, 3, 4, 5].map((i) => html`<i key=${i}></i>`)}</div>`}
    </article>`;
  }
  return html`<article class=${`detail detail-level-${incident.severity} is-${stateKey(incident)}`} ref=${article} tabindex="-1" data-testid="detail" data-id=${id} aria-label=${whatText(incident)}>
    <${Head} incident=${incident} onClose=${close} />
    <div class="detail-body" tabindex="0" role="group" aria-label=${t("detail.facts")}>
      <${Facts} incident=${incident} more=${data} curve=${curve.data} />
      <${Evidence} incident=${incident} more=${data} curve=${curve} />
      ${error && html`<div class="notice" role="alert">${pick(error)} <small>${error.code}</small><button onClick=${reload}>${t("action.again")}</button></div>`}
      <${Timeline} incident=${incident} events=${data?.events} />
    </div>
    <${Actions} incident=${incident} onDone=${reload} />
  </article>`;
}

function withoutExtras({ events, profile_row, what_to_do, result, frame, ...incident }) {
  return incident;
}

function Head({ incident, onClose }) {
  return html`<header class="detail-head">
    <button class="quiet back" onClick=${onClose} aria-label=${t("detail.close")} data-testid="detail-close"><${Icon} name="back" size=${18} /></button>
    ${incident && html`<div class="detail-title">
      <h2><${Level} level=${incident.severity} long=${true} /><span data-testid="detail-what">${whatText(incident)}</span></h2>
      <p data-testid="detail-place">${placeText(incident)}
        ${incident.device && html`<a class="device-link" href=${href("devices", incident.device)} title=${t("detail.to_device")}>${incident.device}</a>`}</p>
    </div>
    <span class=${`state-word state-${stateKey(incident)}`} data-testid="detail-state" data-state=${incident.state}>${t(`incident_state.${stateKey(incident)}`)}</span>`}
  </header>`;
}
