// Which incidents: by state, by level (with the counts of the open ones), by words.
import { html } from "../lib.js";
import { t } from "../i18n.js";
import { Shape } from "../shell/icons.js";
import { Search } from "../shell/search.js";
import { countLevels } from "./order.js";
import { incidents } from "./store.js";

export function Filter({ view, onView }) {
  const counts = countLevels([...incidents.value.values()].filter((i) => i.state !== "closed"));
  return html`<div class="filter">
    <div class="segments" role="group" aria-label=${t("filter.state")}>
      ${["open", "closed", "all"].map((state) => html`<button key=${state} aria-pressed=${view.state === state}
        data-testid=${`filter-${state}`} onClick=${() => onView({ ...view, state })}>${t(`filter.${state}`)}</button>`)}
    </div>
    <div class="levels" role="group" aria-label=${t("filter.level")}>
      ${[1, 2, 3, 4].map((level) => html`<button key=${level} class=${`level level-${level} ${counts[level] ? "" : "zero"}`}
        aria-pressed=${view.level === level} data-testid=${`level-${level}`} title=${`${t(`level.${level}`)} · ${t(`level_ask.${level}`)}`}
        aria-label=${t("filter.level_count", { level: t(`level.${level}`), n: counts[level] })}
        onClick=${() => onView({ ...view, level: view.level === level ? 0 : level })}>
        <${Shape} level=${level} /><b>${counts[level]}</b></button>`)}
    </div>
    <${Search} value=${view.text} label=${t("filter.search_incidents")} onText=${(text) => onView({ ...view, text })} />
  </div>`;
}
