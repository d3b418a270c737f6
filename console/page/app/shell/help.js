// Keys and signs on one sheet. A <dialog> keeps the focus inside and gives it back by itself.
import { html, useEffect, useRef } from "../lib.js";
import { t } from "../i18n.js";
import { Icon, Level, StateMark } from "./icons.js";

const KEYS = [["j", "k"], ["Enter"], ["a"], ["/"], ["Esc"], ["?"]];
const STATES = ["in_range", "pending", "breach", "unknown", "suppressed"];

export function Help({ onClose }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  return html`<dialog class="help" ref=${dialog} onClose=${onClose} aria-label=${t("help.title")} data-testid="help"
    onClick=${(event) => event.target === dialog.current && dialog.current.close()}>
    <div class="help-sheet">
      <header><h2>${t("help.title")}</h2>
        <button class="quiet" aria-label=${t("action.close_window")} onClick=${() => dialog.current.close()}><${Icon} name="close" size=${18} /></button></header>
      <section><h3>${t("help.keys")}</h3><dl class="keys">
        ${KEYS.map((keys) => html`<dt key=${keys[0]}>${keys.map((k) => html`<kbd>${k}</kbd> `)}</dt><dd>${t(`help.key.${keys[0]}`)}</dd>`)}
      </dl></section>
      <section><h3>${t("help.levels")}</h3>
        <ul>${[1, 2, 3, 4].map((l) => html`<li key=${l}><${Level} level=${l} long=${true} /></li>`)}</ul></section>
      <section><h3>${t("help.states")}</h3>
        <ul>${STATES.map((s) => html`<li key=${s}><${StateMark} state=${s} /> <b>${t(`state.${s}`)}</b> ${t(`help.state.${s}`)}</li>`)}</ul></section>
      <section><h3>${t("help.curve")}</h3><p>${t("help.curve_text")}</p></section>
    </div>
  </dialog>`;
}
