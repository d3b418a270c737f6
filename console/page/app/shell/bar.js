// The bar: which page, whether it is alive, language, person.
import { html, useEffect, useRef, useState } from "../lib.js";
import { t, word } from "../i18n.js";
import { ago } from "../format.js";
import { dataAge, health } from "../live.js";
import { route } from "../router.js";
import { session, signOut } from "../session.js";
import { useKeys } from "../keys.js";
import { Icon } from "./icons.js";
import { LanguageSwitch } from "./language.js";

export function Bar({ onHelp }) {
  return html`<header class="bar">
    <h1>${t(`nav.${route.value.page}`)}</h1>
    <${LiveState} />
    <span class="grow"></span>
    <button class="quiet key-hint" onClick=${onHelp} data-testid="help-open" title=${t("help.title")} aria-label=${t("help.title")}><kbd>?</kbd></button>
    <${LanguageSwitch} />
    <${UserMenu} />
  </header>`;
}

function LiveState() {
  const state = health.value;
  const age = dataAge.value;
  const text = state === "live" && age !== null ? t("live.live", { ago: ago(age) }) : t(`live.${state}`);
  return html`<span class="live live-${state}" data-testid="live" data-state=${state} title=${t("live.title")}><i></i>${text}</span>`;
}

function UserMenu() {
  const [open, setOpen] = useState(false);
  const root = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    const leave = (event) => root.current?.contains(event.target) || setOpen(false);
    addEventListener("pointerdown", leave);
    return () => removeEventListener("pointerdown", leave);
  }, [open]);
  useKeys({ Escape: () => (open ? setOpen(false) : false) });
  const { name, role, enterprise } = session.value ?? {};
  return html`<div class="menu" ref=${root}>
    <button class="quiet" aria-expanded=${open} aria-haspopup="true" aria-label=${t("user.menu", { name })} onClick=${() => setOpen(!open)} data-testid="user-menu">
      <${Icon} name="user" size=${18} /><span class="menu-name">${name}</span>
    </button>
    ${open && html`<div class="menu-box">
      <dl><dt>${t("user.name")}</dt><dd>${name}</dd><dt>${t("user.role")}</dt><dd>${word("role", role)}</dd>
        ${enterprise && html`<dt>${t("user.enterprise")}</dt><dd>${enterprise}</dd>`}</dl>
      <${SignOut} />
    </div>`}
  </div>`;
}

function SignOut() {
  const [state, setState] = useState("ready");
  const leave = async () => {
    setState("sending");
    try {
      await signOut();
    } catch {
      setState("refused"); // the session is still open on the server, so the page must not pretend otherwise
    }
  };
  return html`<button onClick=${leave} disabled=${state === "sending"} data-testid="sign-out">
      ${state === "sending" ? t("action.sending") : t("user.sign_out")}</button>
    ${state === "refused" && html`<p class="refusal" role="alert">${t("user.sign_out_failed")}</p>`}`;
}
