// What a person can do with it. Nothing is pretended: "sending" stays until the server has confirmed.
import { html, useEffect, useRef, useState } from "../lib.js";
import { pick, t } from "../i18n.js";
import { fullStamp, stamp } from "../format.js";
import { post } from "../api.js";
import { now } from "../clock.js";
import { useKeys } from "../keys.js";
import { upsert } from "./store.js";

export function Actions({ incident: i, onDone }) {
  const [sending, setSending] = useState("");
  const [refusal, setRefusal] = useState(null);
  const note = useRef(null);
  useEffect(() => setRefusal(null), [i.state]);
  const may = i.may ?? []; // the server decides; this only leaves out what it would refuse
  const mayTake = may.includes("acknowledge");
  const mayClose = may.includes("close");

  const act = async (action) => {
    if (sending) return;
    setSending(action);
    setRefusal(null);
    try {
      upsert([await post(`incidents/${encodeURIComponent(i.id)}/${action}`, { note: note.current?.value.trim() ?? "" })]);
      if (note.current) note.current.value = "";
      note.current?.blur();
      onDone();
    } catch (refused) {
      setRefusal(refused);
      note.current?.focus(); // a missing note is the usual reason
    }
    setSending("");
  };
  useKeys({ a: () => (mayTake ? note.current.focus() : false) });
  const onKeyDown = (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    if (mayTake) act("acknowledge");
    else if (mayClose) act("close");
  };

  return html`<footer class="actions" data-testid="actions">
    <p class="actions-word">${handled(i)}</p>
    ${refusal && html`<p class="refusal" role="alert" data-testid="refusal">${pick(refusal) || t("error.unknown", { code: refusal.code })} <small>${refusal.code}</small></p>`}
    ${(mayTake || mayClose) && html`<div class="actions-row">
      <input ref=${note} class="note" maxlength="500" placeholder=${t(mayTake ? "action.note" : "action.note_close")} aria-label=${t("action.note_label")} data-testid="note" onKeyDown=${onKeyDown} />
      ${mayTake && html`<button class="primary" disabled=${sending} onClick=${() => act("acknowledge")} data-testid="acknowledge">
        ${sending === "acknowledge" ? t("action.sending") : html`${t("action.acknowledge")} <kbd>a</kbd>`}</button>`}
      ${mayClose && html`<button disabled=${sending} onClick=${() => act("close")} data-testid="close">${t(sending === "close" ? "action.sending" : "action.close")}</button>`}
    </div>`}
  </footer>`;
}

// One sentence on who has it, and how it will end.
function handled(i) {
  if (i.state === "closed") return html`<span title=${fullStamp(i.closed_at)}>${t("handled.closed", { at: stamp(i.closed_at, now.value) })}</span>`;
  const taken = i.state === "acknowledged"
    ? html`<span title=${fullStamp(i.acknowledged_at)}>${t("handled.taken", { who: i.acknowledged_by, at: stamp(i.acknowledged_at, now.value) })}</span>`
    : t("handled.open");
  return html`${taken} ${t(i.persistent ? "handled.by_person" : "handled.by_itself")}`;
}
