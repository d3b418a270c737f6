// The last refused messages, newest first: what is wrong, in a sentence that says what to change, above the very text
// that was sent. This is what a technician watches while he connects a device.
import { html } from "../lib.js";
import { language, t, word } from "../i18n.js";
import { bytes, fullStamp, stamp } from "../format.js";
import { now } from "../clock.js";

export function Rejections({ rejections }) {
  return html`<section class="panel" aria-label=${t("rejections.title")}><h3>${t("rejections.title")} ${rejections.length > 0 && html`<i>${rejections.length}</i>`}</h3>
    ${!rejections.length && html`<p class="none-yet" data-testid="no-rejections">${t("rejections.none")}</p>`}
    <ol class="rejections" data-testid="rejections">${rejections.map((r) => html`<${Rejected} key=${r.id} rejection=${r} />`)}</ol></section>`;
}

function Rejected({ rejection: r }) {
  const said = language.value === "en" ? r.en : r.zh;
  return html`<li data-testid="rejection" data-code=${r.code}>
    <p class="why">${said}</p>
    <p class="where"><time title=${fullStamp(r.received_at)}>${stamp(r.received_at, now.value)}</time>
      <span>${t(`disposition.${r.disposition}`)}</span><code>${r.code}</code><code class="topic">${r.topic}</code><span>${bytes(r.size)}</span></p>
    <${Raw} rejection=${r} />
  </li>`;
}

// Text as it came; bytes that are no text are said to be none, and shown as they are.
function Raw({ rejection: r }) {
  if (r.raw_text) return html`<pre data-testid="raw">${mark(r.raw_text, r.path)}</pre>`;
  if (r.raw_base64) return html`<pre class="binary" data-testid="raw"><i>${t("rejections.binary")}</i> ${hex(r.raw_base64)}</pre>`;
  return html`<pre class="binary"><i>${t(r.size ? "rejections.stored" : "rejections.no_bytes")}</i></pre>`;
}

// The field that the sentence speaks of, marked in the text: "$.values.temperature" -> "temperature".
function mark(text, path) {
  const field = /([\w-]+)\]?$/.exec(path ?? "")?.[1];
  const at = field && !/^\d+$/.test(field) ? text.indexOf(`"${field}"`) : -1;
  if (at < 0) return text;
  const end = valueEnd(text, at + field.length + 2);
  return [text.slice(0, at), html`<mark>${text.slice(at, end)}</mark>`, text.slice(end)];
}

function valueEnd(text, from) {
  const rest = /^\s*:\s*("(?:[^"\\]|\\.)*"|[^,}\]\s]*)/.exec(text.slice(from));
  return from + (rest ? rest[0].length : 0);
}

function hex(base64) {
  const raw = atob(base64.slice(0, 256));
  return [...raw].slice(0, 128).map((c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join(" ") + (raw.length > 128 ? " …" : "");
}
