// What the page knows about its own blindness. It keeps what it has and says how old that is.
import { html } from "../lib.js";
import { t } from "../i18n.js";
import { clockTime, duration } from "../format.js";
import { serverNow } from "../clock.js";
import { dataAge, health, silentFor } from "../live.js";

export function Banner() {
  const state = health.value;
  if (state === "dead") {
    const ms = silentFor.value;
    const params = { duration: duration(ms), at: clockTime(serverNow() - ms) };
    return html`<div class="banner" role="alert" data-testid="banner" data-kind="dead">
      <b>${t("banner.dead")}</b><span>${t("banner.dead_text", params)}</span></div>`;
  }
  if (state === "stalled") {
    const ms = dataAge.value;
    const text = ms === null ? t("banner.stalled_never") : t("banner.stalled_text", { duration: duration(ms) });
    return html`<div class="banner" role="alert" data-testid="banner" data-kind="stalled">
      <b>${t("banner.stalled")}</b><span>${text}</span></div>`;
  }
  return null;
}
