// Incidents: list and detail, side by side where there is room.
import { html, useRef, useState } from "../lib.js";
import { t } from "../i18n.js";
import { go, route } from "../router.js";
import { isWide } from "../media.js";
import { useKeys } from "../keys.js";
import { Detail } from "./detail.js";
import { Filter } from "./filter.js";
import { List } from "./list.js";
import { Overview } from "./overview.js";

export function IncidentsPage() {
  const selected = route.value.id;
  const [view, setView] = useState({ state: "open", level: 0, text: "" });
  const [cursor, setCursor] = useState(null); // the row under the keyboard; may differ from what is open
  const rows = useRef([]);

  const open = (event, id) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    setCursor(id);
    go("incidents", id, Boolean(selected));
  };
  const step = (by) => {
    const list = rows.current;
    if (!list.length || (selected && !isWide.value)) return;
    const at = list.findIndex((i) => i.id === (cursor ?? selected));
    const id = list[Math.max(0, Math.min(list.length - 1, at < 0 ? 0 : at + by))].id;
    setCursor(id);
    requestAnimationFrame(() => document.querySelector(`.incident[data-id="${id}"]`)?.focus({ preventScroll: true, focusVisible: true }));
    if (selected && isWide.value) go("incidents", id, true); // an open detail follows
  };
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    ArrowDown: (event) => (event.target.closest?.(".list") ? step(1) : false),
    ArrowUp: (event) => (event.target.closest?.(".list") ? step(-1) : false),
    Enter: (event) => (cursor && !event.target.closest?.("a, button") ? go("incidents", cursor) : false),
    Escape: (event) => (selected && !event.target.matches?.("input, textarea") ? go("incidents") : false),
  });

  const reveal = rows.current.findIndex((i) => i.id === (cursor ?? selected));
  return html`<div class="split" data-open=${Boolean(selected)}>
    <section class="pane-list" aria-label=${t("nav.incidents")}>
      <${Filter} view=${view} onView=${setView} />
      <${List} view=${view} selected=${selected} reveal=${reveal} onOpen=${open} onShown=${(shown) => (rows.current = shown)} />
    </section>
    ${selected ? html`<${Detail} key=${selected} id=${selected} />` : isWide.value && html`<${Overview} />`}
  </div>`;
}
