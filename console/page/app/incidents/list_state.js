// What stands in the list when there are no rows: still loading, refused, or nothing to do, each with its next step.
import { html } from "../lib.js";
import { pick, t } from "../i18n.js";
import { hasMore, loading, loadOpen, refusal } from "./store.js";

export function ListState({ view, count }) {
  const refused = refusal.value;
  if (refused) {
    return html`<div class="notice" role="alert">${t("list.refused")} ${pick(refused)} <small>${refused.code}</small>
      <button onClick=${() => loadOpen().catch(() => {})}>${t("action.again")}</button></div>`;
  }
  if (count) return null;
  if (loading.value === "first" || hasMore(view.state)) {
    return html`<div class="skeleton" aria-hidden="true">${Array.from({ length: 7 }, (_, i) => html`<i key=${i}></i>`)}</div>`;
  }
  if (view.text || view.level) return html`<p class="empty" data-testid="empty">${t("list.no_match")}</p>`;
  return html`<div class="empty" data-testid="empty"><b>${t(`list.none_${view.state}`)}</b>
    ${view.state === "open" && html`<span>${t("list.none_hint")} <a href="#/devices">${t("list.to_devices")}</a></span>`}</div>`;
}
