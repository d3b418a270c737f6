// The frame around every page: rail, bar, banner, and what runs for the whole visit (the live stream, keys).
import { html, useEffect, useState } from "../lib.js";
import { language, t } from "../i18n.js";
import { go, href, route } from "../router.js";
import { connect, disconnect, health } from "../live.js";
import { keepFresh, loadOpen, startListening, unacknowledged } from "../incidents/store.js";
import { useKeys } from "../keys.js";
import { IncidentsPage } from "../incidents/page.js";
import { DevicesPage } from "../devices/page.js";
import { ResultsPage } from "../results/page.js";
import { FramesPage } from "../frames/page.js";
import { Announcer } from "./announcer.js";
import { Bar } from "./bar.js";
import { Banner } from "./banner.js";
import { Help } from "./help.js";
import { Icon } from "./icons.js";

const PAGES = { incidents: IncidentsPage, devices: DevicesPage, results: ResultsPage, frames: FramesPage };

export function Shell() {
  const [help, setHelp] = useState(false);
  useEffect(() => {
    const stops = [startListening(), keepFresh()];
    let over = false;
    // The list first: the stream then resumes behind what the list already shows.
    loadOpen().then((after) => over || connect(after), () => over || connect(0));
    return () => {
      over = true;
      for (const stop of stops) stop();
      disconnect();
    };
  }, []);
  useKeys({
    "?": () => setHelp(true),
    "/": () => document.querySelector("[data-search]")?.focus(),
    Escape: (event) => (event.target.matches?.("input, textarea") ? event.target.blur() : false),
  });
  const { page } = route.value;
  const waiting = unacknowledged.value;
  useEffect(() => {
    document.title = `${waiting ? `(${waiting}) ` : ""}${t(`nav.${page}`)} · ${t("app.name")}`;
  }, [page, waiting, language.value]);
  const Page = PAGES[page];
  return html`<div class="shell" data-health=${health.value} data-testid="shell">
    <a class="skip" href="#main" onClick=${skip}>${t("nav.skip")}</a>
    <${Rail} page=${page} waiting=${waiting} />
    <${Bar} onHelp=${() => setHelp(true)} />
    <${Banner} />
    <main id="main" class="page page-${page}" tabindex="-1"><${Page} /></main>
    <${Announcer} />
    ${help && html`<${Help} onClose=${() => setHelp(false)} />`}
  </div>`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

function Rail({ page, waiting }) {
  return html`<nav class="rail" aria-label=${t("nav.label")}>
    <a class="brand" href=${href("incidents")} aria-label=${t("app.name")} tabindex="-1"><img src="static/icon.svg" width="28" height="28" alt="" /></a>
    ${Object.keys(PAGES).map((name) => html`<a key=${name} href=${href(name)} class="rail-item" data-testid=${`nav-${name}`}
      aria-current=${page === name ? "page" : undefined} onClick=${(event) => plain(event) && (event.preventDefault(), go(name))}>
      <${Icon} name=${name} size=${22} /><span>${t(`nav.${name}`)}</span>
      ${name === "incidents" && waiting > 0 && html`<em class="badge" data-testid="unacknowledged" aria-label=${t("nav.unacknowledged", { n: waiting })}>${waiting > 99 ? "99+" : waiting}</em>`}
    </a>`)}
  </nav>`;
}

// A click with a modifier opens a tab, which is the browser's business.
function plain(event) {
  return !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);
}
