// The list. It stands still while a row is under the mouse or under the keyboard's focus; what came meanwhile waits
// in a pill.
import { html, useEffect, useRef, useState } from "../lib.js";
import { t } from "../i18n.js";
import { isPhone } from "../media.js";
import { Windowed } from "../windowed.js";
import { Level } from "../shell/icons.js";
import { ListState } from "./list_state.js";
import { Row } from "./row.js";
import { useReading } from "./reading.js";
import { arrange, hold, pin } from "./order.js";
import { hasMore, incidents, loading, loadMore } from "./store.js";
import { haystack } from "./words.js";

export function List({ view, selected, reveal, onOpen, onShown }) {
  const [reading, stopReading, events] = useReading();
  const [, redraw] = useState(0);
  const kept = useRef({ rows: [], view: "" });
  const box = useRef(null);

  const all = incidents.value;
  const ordered = arrange([...all.values()], view, haystack);
  const viewKey = `${view.state} ${view.level} ${view.text}`;
  const held = hold(kept.current.rows, all);
  const still = reading && kept.current.view === viewKey;
  const waiting = still ? ordered.filter((i) => !held.isKnown(i.id)) : [];
  const rows = still ? held.shown : kept.current.view === viewKey ? pin(ordered, kept.current.rows, selected) : ordered;
  kept.current = { rows: loading.value === "first" ? [] : rows, view: viewKey }; // half a list pins nothing
  useEffect(() => onShown(rows));
  useEffect(() => void (view.state !== "open" && loadMore(view.state)), [view.state]);

  const release = () => {
    kept.current = { rows: [], view: "" };
    box.current.querySelector(".windowed").scrollTop = 0;
    stopReading();
    redraw((n) => n + 1);
  };
  const height = isPhone.value ? 64 : 32;
  const worst = waiting.length ? Math.min(...waiting.map((i) => i.severity)) : 0;

  return html`<div class="list" ref=${box} ...${events}>
    ${waiting.length > 0 && html`<button class=${`pill pill-${worst}`} onClick=${release} data-testid="pill">
      <${Level} level=${worst} /> ${t("list.waiting", { n: waiting.length })}</button>`}
    <${ListState} view=${view} count=${rows.length} />
    <${Windowed} items=${rows} rowHeight=${height} reveal=${reveal} label=${t("nav.incidents")} testid="incident-list" head=${rows.length > 0 && html`<${Head} />`}
      onEnd=${hasMore(view.state) ? () => loadMore(view.state) : undefined}
      row=${(i) => html`<${Row} key=${i.id} incident=${i} selected=${i.id === selected} onOpen=${onOpen} />`} />
  </div>`;
}

function Head() {
  return html`<div class="row head incident" aria-hidden="true">
    ${["level", "place", "what", "value", "since", "state"].map((c) => html`<span class=${`row-${c}`}>${t(`column.${c}`)}</span>`)}
  </div>`;
}
