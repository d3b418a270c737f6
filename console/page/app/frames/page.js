// Cameras: the newest frame of each, those with a fault first. One camera: its last frames.
import { html, useEffect } from "../lib.js";
import { pick, t } from "../i18n.js";
import { ago, epoch, fullStamp, stamp } from "../format.js";
import { now } from "../clock.js";
import { go, href, route } from "../router.js";
import { useResource } from "../resource.js";
import { useKeys } from "../keys.js";
import { Icon } from "../shell/icons.js";
import { Faults, FrameImage, Picture } from "./picture.js";
import { cameras, isStale, keepWatching, refusal } from "./store.js";

const REFRESH_MS = 5000;

export function FramesPage() {
  const camera = route.value.id;
  return camera ? html`<${Camera} key=${camera} camera=${camera} />` : html`<${Wall} />`;
}

function Wall() {
  useEffect(keepWatching, []);
  const list = cameras.value;
  const refused = refusal.value;
  if (!list && !refused) return html`<div class="wall" aria-busy="true">${[1, 2, 3].map((i) => html`<div key=${i} class="card skeleton-card"></div>`)}</div>`;
  return html`${refused && html`<div class="notice" role="alert">${pick(refused)} <small>${refused.code}</small></div>`}
    ${list && !list.length && html`<div class="empty" data-testid="empty"><b>${t("frames.none")}</b><span>${t("frames.none_hint")}</span></div>`}
    <ul class="wall" data-testid="frames">${(list ?? []).map((c) => html`<li key=${c.device}><${Card} camera=${c} /></li>`)}</ul>`;
}

function Card({ camera: c }) {
  const f = c.frame;
  const stale = isStale(c, now.value);
  return html`<a class=${`card ${f?.faults.length ? "faulty" : ""} ${stale ? "stale" : ""}`} href=${href("frames", c.device)} data-testid="camera" data-camera=${c.device}>
    ${f ? html`<${FrameImage} frame=${f} />` : html`<div class="no-image">${t("frames.none_of_camera")}</div>`}
    <span class="card-text"><b>${[c.site_name, c.asset].filter(Boolean).join(" · ")}</b><span>${c.enterprise_name} · ${c.device}</span></span>
    ${f && html`<span class="card-foot"><span>${stale ? html`<span class="fault stopped">${t("frame.stopped")}</span>` : html`<${Faults} faults=${f.faults} />`}</span>
      <time class="age" title=${fullStamp(f.at)}>${ago(now.value - epoch(f.at))}</time></span>`}
  </a>`;
}

function Camera({ camera }) {
  const { data, error, reload } = useResource(`frames?camera=${encodeURIComponent(camera)}&limit=24`, REFRESH_MS);
  useKeys({ Escape: (event) => (event.target.matches?.("input") ? false : go("frames")) });
  const [newest, ...older] = data?.items ?? [];
  return html`<div class="camera">
    <header class="sub-head"><a class="quiet back" href=${href("frames")} aria-label=${t("detail.back")}><${Icon} name="back" size=${18} /></a>
      <div><h2>${newest?.site_name ?? camera}</h2><p>${[newest?.enterprise_name, camera].filter(Boolean).join(" · ")}
        <a class="device-link" href=${href("devices", camera)}>${t("detail.to_device")}</a></p></div></header>
    ${error && html`<div class="notice" role="alert">${pick(error)} <button onClick=${reload}>${t("action.again")}</button></div>`}
    ${data && !newest && html`<div class="empty"><b>${t("frames.none_of_camera")}</b></div>`}
    ${newest && html`<${Picture} frame=${newest} />
      <h3>${t("frames.earlier")}</h3>
      <ul class="strip">${older.map((f) => html`<li key=${f.sha256 + f.at}><${FrameImage} frame=${f} />
        <${Faults} faults=${f.faults} /><time title=${fullStamp(f.at)}>${stamp(f.at, now.value)}</time></li>`)}</ul>`}
  </div>`;
}
