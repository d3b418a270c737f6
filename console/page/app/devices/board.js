// Every device with its last value, state and age, grouped by site. Grey while all is well.
import { html, useEffect } from "../lib.js";
import { pick, t, word } from "../i18n.js";
import { ago, epoch, fullStamp, measured } from "../format.js";
import { now } from "../clock.js";
import { href } from "../router.js";
import { isPhone } from "../media.js";
import { Windowed } from "../windowed.js";
import { Search } from "../shell/search.js";
import { Shape, StateMark } from "../shell/icons.js";
import { CHOICES, boardRows, countChoices, ownAge, pointsOf, stateOf } from "./board_rows.js";
import { board, devices, keepReading, readDevices, refusal } from "./store.js";

const COLUMNS = ["device", "kind", "reading", "point_state", "age", "open_incidents", "refused"];

export function Board() {
  useEffect(keepReading, []);
  const list = devices.value;
  const view = board.value;
  const set = (part) => (board.value = { ...board.value, ...part });
  const rows = boardRows(list ?? [], view);
  const counts = countChoices(list ?? []);
  return html`<div class="pane">
    <div class="filter"><div class="segments" role="group" aria-label=${t("filter.devices")}>
        ${Object.keys(CHOICES).map((c) => html`<button key=${c} aria-pressed=${view.choice === c} data-testid=${`devices-${c}`} onClick=${() => set({ choice: c })}>${t(`choice.${c}`)} <i>${counts[c]}</i></button>`)}</div>
      <${Search} value=${view.text} label=${t("filter.search_devices")} onText=${(text) => set({ text })} /></div>
    <div class="list">
      ${refusal.value && html`<div class="notice" role="alert">${pick(refusal.value)} <button onClick=${readDevices}>${t("action.again")}</button></div>`}
      ${!list && !refusal.value && html`<div class="skeleton" aria-hidden="true">${Array.from({ length: 12 }, (_, i) => html`<i key=${i}></i>`)}</div>`}
      ${list && !rows.length && html`<div class="empty" data-testid="empty"><b>${t(list.length ? "list.no_match" : "devices.none")}</b>${!list.length && html`<code>${t("devices.none_hint")}</code>`}</div>`}
      <${Windowed} items=${rows} rowHeight=${isPhone.value ? 64 : 32} start=${view.top} onTop=${(top) => (board.peek().top = top)} label=${t("nav.devices")} testid="device-board" head=${rows.length > 0 && html`<${Head} />`}
        row=${(r) => (r.heading ? html`<${Heading} key=${r.heading} row=${r} />` : html`<${Row} key=${r.device} device=${r} />`)} />
    </div>
  </div>`;
}

function Head() {
  return html`<div class="row head device" aria-hidden="true">${COLUMNS.map((c) => html`<span class=${`cell-${c}`}>${t(`column.${c}`)}</span>`)}</div>`;
}

function Heading({ row }) {
  return html`<div role="listitem" class="row site"><b>${row.enterprise}</b><span>${row.site}</span><i>${t("devices.of_site", { n: row.devices })}</i></div>`;
}

export function OwnAge({ point, device }) {
  const age = ownAge(point, device, now.value);
  return age === null ? null : html` <i class="own-age" title=${fullStamp(point.at)} data-testid="own-age">${ago(age)}</i>`;
}

function Row({ device: d }) {
  const state = stateOf(d);
  const heard = d.last_heard && epoch(d.last_heard);
  const quiet = heard && d.interval_s && now.value - heard > d.interval_s * 2000;
  return html`<div role="listitem"><a class=${`row device is-${state}`} href=${href("devices", d.device)} data-testid="device" data-device=${d.device} data-state=${state}>
    <span class="cell-device"><b>${d.asset || d.device}</b>${d.asset && html` <i>${d.device}</i>`}</span>
    <span class="cell-kind">${word("kind", d.kind)}</span>
    <span class="cell-reading">${pointsOf(d).map((p) => html`<span key=${p.metric} class=${`value value-${p.state}`} title=${word("metric", p.metric)}>${measured(p.value, p.unit, p.metric)}<${OwnAge} point=${p} device=${d} /></span>`)}</span>
    <span class="cell-point_state"><${StateMark} state=${state} />${t(`state.${state}`)}</span>
    <time class=${`cell-age age ${quiet ? "quiet-age" : ""}`} title=${fullStamp(d.last_heard)}>${heard ? ago(now.value - heard) : d.kind === "gateway" ? "" : t("devices.never")}</time>
    <span class="cell-open_incidents">${d.open_incidents > 0 && html`<span class=${`level level-${d.worst || 4}`}><${Shape} level=${d.worst || 4} /><b>${d.open_incidents}</b></span>`}</span>
    <span class="cell-refused">${d.refused_24h > 0 && html`<b>${d.refused_24h}</b>`}</span>
  </a></div>`;
}
