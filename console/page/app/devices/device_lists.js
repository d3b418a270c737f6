// What else belongs to a device: its incidents, a camera's newest frame, an instrument's last tests.
import { html } from "../lib.js";
import { t, word } from "../i18n.js";
import { exact, fullStamp, stamp } from "../format.js";
import { now } from "../clock.js";
import { href } from "../router.js";
import { useResource } from "../resource.js";
import { Level } from "../shell/icons.js";
import { Picture } from "../frames/picture.js";
import { lasted, stateKey, whatText } from "../incidents/words.js";

export function DeviceIncidents({ incidents }) {
  return html`<section class="panel"><h3>${t("nav.incidents")}</h3>
    ${!incidents.length && html`<p class="none-yet">${t("device.no_incidents")}</p>`}
    <ul class="mini">${incidents.map((i) => html`<li key=${i.id} class=${`is-${stateKey(i)}`}><a href=${href("incidents", i.id)} data-testid="device-incident" data-id=${i.id}>
      <${Level} level=${i.severity} /><b>${whatText(i)}</b><span title=${fullStamp(i.start_at)}>${stamp(i.start_at, now.value)}</span><i>${t(`incident_state.${stateKey(i)}`)} · ${lasted(i, now.value)}</i></a></li>`)}</ul></section>`;
}

export function DeviceFrames({ camera }) {
  const { data } = useResource(`frames?camera=${encodeURIComponent(camera)}&limit=1`, 5000);
  const frame = data?.items[0];
  if (!data) return null;
  return frame ? html`<${Picture} frame=${frame} />` : html`<p class="none-yet">${t("frames.none_of_camera")}</p>`;
}

export function DeviceResults({ device }) {
  const { data } = useResource(`results?device=${encodeURIComponent(device)}&limit=20`, 5000);
  const mine = data?.items ?? [];
  if (!data) return null;
  return html`<section class="panel"><h3>${t("device.last_results")}</h3>
    ${!mine.length && html`<p class="none-yet">${t("results.none")}</p>`}
    <ul class="mini results">${mine.map((r) => html`<li key=${r.id} class=${`verdict-${r.verdict}`}><b>${word("verdict", r.verdict)}</b><span>${r.item}</span>
      <span>${r.value === null || r.value === undefined ? "" : exact(r.value, r.unit)}</span><i title=${fullStamp(r.at)}>${stamp(r.at, now.value)}</i></li>`)}</ul></section>`;
}
