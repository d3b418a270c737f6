// One device: last values and curve, its books, and above all why its messages were refused, while they are.
import { html, useEffect } from "../lib.js";
import { pick, t, word } from "../i18n.js";
import { ago, count, day, duration, epoch, fullStamp, measured, telephoneHref } from "../format.js";
import { now } from "../clock.js";
import { listen } from "../live.js";
import { go, href } from "../router.js";
import { useKeys } from "../keys.js";
import { useResource } from "../resource.js";
import { Icon, StateMark } from "../shell/icons.js";
import { pointsOf } from "./board_rows.js";
import { DeviceCurve } from "./device_curve.js";
import { DeviceFrames, DeviceIncidents, DeviceResults } from "./device_lists.js";
import { Rejections } from "./rejections.js";

const REFRESH_MS = 2000;

export function DevicePage({ id }) {
  const path = `devices/${encodeURIComponent(id)}`;
  const { data, error, reload } = useResource(path, REFRESH_MS);
  const d = data && { ...data, points: pointsOf(data) };
  useEffect(() => listen({ incident: (i) => i.device === id && reload(), resumed: reload }), [id]);
  useKeys({ Escape: (event) => (event.target.matches?.("input") ? false : go("devices")) });
  return html`<article class="device-page" data-testid="device-page" data-device=${id}>
    <header class="sub-head">
      <a class="quiet back" href=${href("devices")} aria-label=${t("detail.back")} data-testid="device-back"><${Icon} name="back" size=${18} /></a>
      <div><h2>${d?.asset || id}</h2><p>${d && [d.enterprise_name, d.site_name].filter(Boolean).join(" · ")} <code>${id}</code></p></div>
      ${d && html`<${Heard} device=${d} />`}
    </header>
    ${error && html`<div class="notice" role="alert">${pick(error)} <small>${error.code}</small><button onClick=${reload}>${t("action.again")}</button></div>`}
    ${!d && !error && html`<div class="skeleton tall" aria-hidden="true">${[1, 2, 3, 4].map((i) => html`<i key=${i}></i>`)}</div>`}
    ${d && html`<div class="device-body">
      <div class="device-main">
        <${Values} device=${d} />
        ${d.points.length > 0 && html`<${DeviceCurve} device=${d} />`}
        ${d.kind === "camera" && html`<${DeviceFrames} camera=${id} />`}
        ${d.kind === "instrument" && html`<${DeviceResults} device=${id} />`}
        <${Rejections} rejections=${d.rejections} />
      </div>
      <aside class="device-side"><${Master} device=${d} /><${Ledger} ledger=${d.ledger} /><${DeviceIncidents} incidents=${d.incidents} /></aside>
    </div>`}
  </article>`;
}

function Heard({ device: d }) {
  if (d.retired_at) return html`<span class="state-word" title=${fullStamp(d.retired_at)}>${t("state.retired")}</span>`;
  if (d.kind === "gateway" && !d.last_heard) return null; // it brings the readings of others and has none of its own
  const text = d.last_heard ? t("device.heard", { ago: ago(now.value - epoch(d.last_heard)) }) : t("devices.never");
  return html`<span class="state-word age" title=${fullStamp(d.last_heard)} data-testid="device-heard">${text}</span>`;
}

function Values({ device: d }) {
  if (!d.points.length) return null;
  return html`<dl class="fact-row values">${d.points.map((p) => html`<div key=${p.metric} class=${`strong value-${p.state}`} data-testid="point" data-metric=${p.metric} data-state=${p.state}>
    <dt>${word("metric", p.metric)}</dt><dd>${measured(p.value, p.unit, p.metric)}</dd>
    <dd class="small"><${StateMark} state=${p.state} /> ${t(`state.${p.state}`)}${p.since && ` · ${duration(now.value - epoch(p.since))}`}</dd>
    <dd class="small age" title=${fullStamp(p.at)}>${p.at ? ago(now.value - epoch(p.at)) : t("devices.never")}</dd></div>`)}</dl>`;
}

function Master({ device: d }) {
  const pairs = [
    ["kind", word("kind", d.kind)], ["enterprise", d.enterprise_name], ["enterprise_kind", d.enterprise_kind && word("enterprise_kind", d.enterprise_kind)],
    ["licence", d.licence], ["site", d.site_name], ["telephone", d.telephone && html`<a href=${telephoneHref(d.telephone)}>${d.telephone}</a>`],
    ["hours", d.business_hours], ["commissioning", d.site_state === "commissioning" && t("site_state.commissioning")],
    ["asset", d.asset], ["asset_kind", d.asset_kind && word("asset_kind", d.asset_kind)], ["product_class", d.product_class],
    ["profile", d.profile], ["interval", d.interval_s && duration(d.interval_s * 1000)],
    ["behind", d.behind && html`<a href=${href("devices", d.behind)}>${d.behind}</a>`],
    ["retired", d.retired_at && day(d.retired_at)],
  ];
  return html`<section class="panel"><h3>${t("device.about")}</h3><dl class="pairs">
    ${pairs.filter(([, v]) => v).map(([k, v]) => html`<div key=${k}><dt>${t(`device.${k}`)}</dt><dd>${v}</dd></div>`)}</dl></section>`;
}

// accepted = stored + duplicate + quarantined + dead-lettered, and what is still on its way.
function Ledger({ ledger }) {
  if (!ledger) return null;
  const names = ["accepted", "stored", "duplicate", "quarantined", "dead_lettered"];
  return html`<section class="panel"><h3>${t("ledger.title")}</h3><dl class="pairs ledger" data-testid="ledger">
    ${names.map((n) => html`<div key=${n} class=${`ledger-${n}`}><dt title=${t(`ledger_hint.${n}`)}>${t(`ledger.${n}`)}</dt><dd data-value=${ledger[n]}>${count(ledger[n])}</dd></div>`)}</dl></section>`;
}
