// Cameras: the newest frame of each, those with a fault first. One camera: its last frames.
import { html } from "../lib.js";
import { pick, t } from "../i18n.js";
import { ago, epoch, fullStamp, stamp } from "../format.js";
import { now } from "../clock.js";
import { go, href, route } from "../router.js";
import { useResource } from "../resource.js";
import { useKeys } from "../keys.js";
import { Icon } from "../shell/icons.js";
import { Faults, FrameImage, Picture } from "./picture.js";

const REFRESH_MS = 5000;

export function FramesPage() {
  const camera = route.value.id;
  return camera ? html`<${Camera} key=${camera} camera=${camera} />` : html`<${Wall} />`;
}

// The API answers newest first, so the first of a camera is its latest.
export function latestOfEach(frames) {
  const latest = new Map();
  for (const f of frames) if (!latest.has(f.camera)) latest.set(f.camera, f);
  const place = (f) => `${f.enterprise_name} ${f.site_name} ${f.camera}`;
  return [...latest.values()].sort((a, b) => Number(!a.faults.length) - Number(!b.faults.length) || place(a).localeCompare(place(b)));
}

function Wall() {
  const { data, error, reload } = useResource("frames?limit=500", REFRESH_MS);
  if (!data && error) return html`<div class="notice" role="alert">${pick(error)} <button onClick=${reload}>${t("action.again")}</button></div>`;
  if (!data) return html`<div class="wall" aria-busy="true">${[1, 2, 3].map((i) => html`<div key=${i} class="card skeleton-card"></div>`)}</div>`;
  const frames = latestOfEach(data.items);
  if (!frames.length) return html`<div class="empty" data-testid="empty"><b>${t("frames.none")}</b><span>${t("frames.none_hint")}</span></div>`;
  return html`<ul class="wall" data-testid="frames">${frames.map((f) => html`<li key=${f.camera}><${Card} frame=${f} /></li>`)}</ul>`;
}

function Card({ frame: f }) {
  return html`<a class=${`card ${f.faults.length ? "faulty" : ""}`} href=${href("frames", f.camera)} data-testid="camera" data-camera=${f.camera}>
    <${FrameImage} key=${f.sha256} frame=${f} />
    <span class="card-text"><b>${f.site_name || f.enterprise_name}</b><span>${f.enterprise_name} · ${f.camera}</span></span>
    <span class="card-foot"><${Faults} faults=${f.faults} /><time class="age" title=${fullStamp(f.at)}>${ago(now.value - epoch(f.at))}</time></span>
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
