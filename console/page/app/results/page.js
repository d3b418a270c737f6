// Rapid tests as they came in, newest first. A positive one carries its colour; the rest is grey.
import { html, useState } from "../lib.js";
import { pick, t, word } from "../i18n.js";
import { figure, fullStamp, stamp } from "../format.js";
import { now } from "../clock.js";
import { href } from "../router.js";
import { isPhone } from "../media.js";
import { useResource } from "../resource.js";
import { Windowed } from "../windowed.js";
import { Search } from "../shell/search.js";
import { Shape } from "../shell/icons.js";

const LEVEL = { positive: 1, suspicious: 2 };
const VERDICTS = ["", "positive", "suspicious", "invalid", "negative"];

export function ResultsPage() {
  const { data, error, reload } = useResource("results?limit=1000", 5000);
  const [text, setText] = useState("");
  const [verdict, setVerdict] = useState("");
  const items = data?.items ?? [];
  const counts = Object.fromEntries(VERDICTS.map((v) => [v, v ? items.filter((r) => r.verdict === v).length : items.length]));
  const rows = items.filter((r) => (!verdict || r.verdict === verdict) && (!text || haystack(r).includes(text)));
  return html`<div class="pane">
    <div class="filter"><div class="segments" role="group" aria-label=${t("filter.verdict")}>
        ${VERDICTS.map((v) => html`<button key=${v} aria-pressed=${verdict === v} onClick=${() => setVerdict(v)}>${v ? word("verdict", v) : t("filter.all")} <i>${counts[v]}</i></button>`)}</div>
      <${Search} value=${text} label=${t("filter.search_results")} onText=${setText} /></div>
    <div class="list">
      ${error && html`<div class="notice" role="alert">${pick(error)} <button onClick=${reload}>${t("action.again")}</button></div>`}
      ${data && !rows.length && html`<div class="empty" data-testid="empty"><b>${t(items.length ? "list.no_match" : "results.none")}</b>${!items.length && html`<span>${t("results.none_hint")}</span>`}</div>`}
      <${Windowed} items=${rows} rowHeight=${isPhone.value ? 64 : 32} label=${t("nav.results")} testid="result-list" head=${rows.length > 0 && html`<${Head} />`} row=${(r) => html`<${Row} key=${r.id} result=${r} />`} />
    </div>
  </div>`;
}

const COLUMNS = ["verdict", "item", "result", "sample", "place", "operator", "at", "number"];

function Head() {
  return html`<div class="row head result" aria-hidden="true">${COLUMNS.map((c) => html`<span class=${`cell-${c}`}>${t(`column.${c}`)}</span>`)}</div>`;
}

function haystack(r) {
  return [r.item, r.sample, r.number, r.lot, r.operator, r.device, r.enterprise_name, r.site_name, r.verdict_raw].join(" ").toLowerCase();
}

function Row({ result: r }) {
  const level = LEVEL[r.verdict];
  return html`<div role="listitem" class=${`row result verdict-${r.verdict}`} data-testid="result-row" data-verdict=${r.verdict} data-number=${r.number}>
    <span class=${`cell-verdict ${level ? `level level-${level}` : ""}`} title=${t("result.raw", { raw: r.verdict_raw })}>${level && html`<${Shape} level=${level} />`}<b>${word("verdict", r.verdict)}</b></span>
    <span class="cell-item">${r.item}${r.supersedes && html`<em class="tag" title=${t("results.supersedes_hint")}>${t("results.supersedes")}</em>`}</span>
    <span class="cell-result">${figure(r)}</span>
    <span class="cell-sample">${r.sample}${r.lot && html` <i>${r.lot}</i>`}</span>
    <span class="cell-place">${r.enterprise_name} <i>${r.site_name}</i></span>
    <span class="cell-operator">${r.operator}</span>
    <time class="cell-at" title=${fullStamp(r.at)}>${stamp(r.at, now.value)}</time>
    <a class="cell-number" href=${href("devices", r.device)} title=${r.device}>${r.number}</a>
  </div>`;
}
