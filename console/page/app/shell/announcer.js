// New red incidents are spoken by screen readers at once; others wait until somebody looks.
import { html, useEffect, useState } from "../lib.js";
import { t } from "../i18n.js";
import { listen } from "../live.js";
import { placeText, whatText } from "../incidents/words.js";

export function Announcer() {
  const [text, setText] = useState("");
  useEffect(() => listen({
    incident: (incident) => {
      if (incident.transition === "opened" && incident.severity === 1) {
        setText(t("announce.red", { place: placeText(incident), what: whatText(incident) }));
      }
    },
  }), []);
  return html`<div class="unseen" aria-live="assertive" data-testid="announcer">${text}</div>`;
}
