// The curve of one metric over a span; the span is counted back from now and goes on with time.
import { html, useEffect, useState } from "../lib.js";
import { pick, t, word } from "../i18n.js";
import { serverNow } from "../clock.js";
import { useResource } from "../resource.js";
import { Curve } from "../curve/curve.js";

const HOUR = 3_600_000;
const SPANS = [["10m", HOUR / 6], ["1h", HOUR], ["6h", 6 * HOUR], ["24h", 24 * HOUR], ["7d", 168 * HOUR]];

export function DeviceCurve({ device }) {
  const [metric, setMetric] = useState(device.points[0].metric);
  const [span, setSpan] = useState(device.interval_s <= 10 ? SPANS[0] : SPANS[2]);
  const [to, setTo] = useState(serverNow);
  const step = Math.max(2000, span[1] / 300); // a new point is visible only when it is wider than a pixel
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setTo(serverNow()), step);
    return () => clearInterval(timer);
  }, [step]);
  const query = new URLSearchParams({ metric, from: new Date(to - span[1]).toISOString(), to: new Date(to).toISOString() });
  const { data, error } = useResource(`devices/${encodeURIComponent(device.device)}/curve?${query}`);
  const shown = useLast(data, `${metric} ${span[0]}`);
  const unit = device.points.find((p) => p.metric === metric)?.unit;
  return html`<section class="panel curve-panel">
    <div class="filter slim">
      ${device.points.length > 1 && html`<div class="segments" role="group" aria-label=${t("device.metric")}>${device.points.map((p) => html`<button key=${p.metric} aria-pressed=${p.metric === metric} onClick=${() => setMetric(p.metric)}>${word("metric", p.metric)}</button>`)}</div>`}
      <div class="segments" role="group" aria-label=${t("device.span")}>${SPANS.map((s) => html`<button key=${s[0]} aria-pressed=${s === span} data-testid=${`span-${s[0]}`} onClick=${() => (setTo(serverNow()), setSpan(s))}>${t(`span.${s[0]}`)}</button>`)}</div>
    </div>
    ${error && html`<p class="refusal" role="alert">${pick(error)}</p>`}
    <${Curve} curve=${shown} metric=${metric} unit=${unit} />
  </section>`;
}

// What was last read for this metric and span, so that the curve stands while the next answer is on its way.
function useLast(data, key) {
  const [last, setLast] = useState({ key: "", data: null });
  useEffect(() => void (data && setLast({ key, data })), [data]);
  return data ?? (last.key === key ? last.data : null);
}
