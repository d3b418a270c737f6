// The proof of an incident: its curve, the frame that failed, or the test result.
import { html } from "../lib.js";
import { pick, t, word } from "../i18n.js";
import { figure, fullStamp, stamp } from "../format.js";
import { Curve } from "../curve/curve.js";
import { pointsOf } from "../devices/board_rows.js";
import { DeviceCurve } from "../devices/device_curve.js";
import { Rejections } from "../devices/rejections.js";
import { Picture } from "../frames/picture.js";
import { useResource } from "../resource.js";
import { ruleOf } from "../rules.js";

export function Evidence({ incident, more, curve }) {
  const { evidence } = ruleOf(incident.rule);
  if (incident.metric && evidence.includes("curve")) return html`<${IncidentCurve} incident=${incident} resource=${curve} />`;
  if (more?.frame) return html`<${Picture} frame=${more.frame} />`;
  if (more?.result) return html`<${TestResult} result=${more.result} />`;
  const ofDevice = evidence.includes("device_curve") || evidence.includes("refusals");
  return ofDevice ? html`<${DeviceEvidence} id=${incident.device} evidence=${evidence} />` : null;
}

// A finding about the device itself is proved by what it sent last: its curve, or the messages that were refused.
function DeviceEvidence({ id, evidence }) {
  const { data: d } = useResource(`devices/${encodeURIComponent(id)}`);
  if (!d) return null;
  return html`${evidence.includes("refusals") && d.rejections.length > 0 && html`<${Rejections} rejections=${d.rejections.slice(0, 3)} />`}
    ${evidence.includes("device_curve") && d.points.length > 0 && html`<${DeviceCurve} device=${{ ...d, points: pointsOf(d) }} />`}`;
}

function IncidentCurve({ incident, resource: { data, error, reload } }) {
  if (error && !data) return html`<div class="notice" role="alert">${pick(error)} <button onClick=${reload}>${t("action.again")}</button></div>`;
  return html`<${Curve} curve=${data} metric=${incident.metric} unit=${incident.unit} />`;
}

export function TestResult({ result: r }) {
  const rows = [
    ["item", r.item], ["verdict", html`<b>${word("verdict", r.verdict)}</b>${r.verdict_raw && ` (${t("result.raw", { raw: r.verdict_raw })})`}`],
    ["value", figure(r)],
    ["sample", r.sample], ["number", r.number], ["lot", r.lot], ["method", r.method], ["operator", r.operator],
    ["at", html`<span title=${fullStamp(r.at)}>${stamp(r.at)}</span>`],
  ];
  return html`<section class="panel" data-testid="result"><h3>${t("detail.result")}</h3>
    <dl class="pairs">${rows.filter(([, v]) => v).map(([k, v]) => html`<div key=${k}><dt>${t(`result.${k}`)}</dt><dd>${v}</dd></div>`)}</dl></section>`;
}
