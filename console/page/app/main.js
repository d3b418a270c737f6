// The start: words and session first, then the page.
import { html, render } from "./lib.js";
import { loadCatalogues, t } from "./i18n.js";
import { loadRules } from "./rules.js";
import { restoreSession, session } from "./session.js";
import { SignIn } from "./shell/sign_in.js";
import { Shell } from "./shell/shell.js";

function App() {
  return session.value ? html`<${Shell} key=${session.value.name} />` : html`<${SignIn} />`;
}

const root = document.getElementById("app");

async function start() {
  await loadCatalogues();
  try {
    await loadRules();
    await restoreSession();
  } catch {
    // Not reachable: the page asks again by itself, so that a screen switched on too early needs nobody.
    render(html`<main class="boot" role="status">${t("boot.waiting")}</main>`, root);
    setTimeout(start, 2000);
    return;
  }
  render(html`<${App} />`, root);
}

start();
