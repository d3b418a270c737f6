// What the right side says while no incident is open: how many, and how to go on.
import { html } from "../lib.js";
import { t } from "../i18n.js";
import { now } from "../clock.js";
import { href } from "../router.js";
import { Level } from "../shell/icons.js";
import { countLevels } from "./order.js";
import { incidents, loading } from "./store.js";
import { lasted, placeText, whatText } from "./words.js";

export function Overview() {
  const open = [...incidents.value.values()].filter((i) => i.state !== "closed");
  const untaken = countLevels(open.filter((i) => i.state === "open"));
  const all = countLevels(open);
  const oldest = open.filter((i) => i.state === "open").reduce((a, b) => (a && a.opened_ms < b.opened_ms ? a : b), null);
  return html`<aside class="overview" aria-label=${t("overview.title")}>
    <div class="overview-box" aria-busy=${loading.value === "first"}>
      <h2>${t("overview.title")}</h2>
      <table><thead><tr><td></td><th>${t("overview.untaken")}</th><th>${t("overview.all")}</th></tr></thead>
        <tbody>${[1, 2, 3, 4].map((l) => html`<tr key=${l} class=${all[l] ? "" : "zero"}><th><${Level} level=${l} long=${true} /></th>
          <td class=${untaken[l] ? "strong" : ""}>${untaken[l]}</td><td>${all[l]}</td></tr>`)}</tbody></table>
      ${oldest && html`<p class="overview-oldest">${t("overview.oldest")} <a href=${href("incidents", oldest.id)}>${placeText(oldest)} · ${whatText(oldest)}</a> ${lasted(oldest, now.value)}</p>`}
      <p class="overview-keys"><kbd>j</kbd> <kbd>k</kbd> ${t("overview.keys_move")} <kbd>Enter</kbd> ${t("overview.keys_open")} <kbd>?</kbd> ${t("overview.keys_help")}</p>
    </div>
  </aside>`;
}
