// The door. A refusal is said as a sentence, and the name stays in its field.
import { html, useEffect, useRef, useState } from "../lib.js";
import { pick, t } from "../i18n.js";
import { signIn } from "../session.js";
import { LanguageSwitch } from "./language.js";

export function SignIn() {
  const [sending, setSending] = useState(false);
  const [refusal, setRefusal] = useState(null);
  const name = useRef(null);
  const password = useRef(null);
  useEffect(() => {
    document.title = t("app.name");
    name.current.focus();
  }, []);

  const submit = async (event) => {
    event.preventDefault();
    setSending(true);
    setRefusal(null);
    try {
      await signIn(name.current.value.trim(), password.current.value);
    } catch (refused) {
      setRefusal(refused);
      setSending(false);
      password.current.select();
    }
  };

  return html`<main class="door">
    <form class="door-form" onSubmit=${submit} data-testid="sign-in">
      <div class="door-head">
        <img src="static/icon.svg" width="40" height="40" alt="" />
        <div><h1>${t("app.name")}</h1><p>${t("app.subtitle")}</p></div>
      </div>
      <label for="name">${t("door.name")}</label>
      <input id="name" ref=${name} name="username" autocomplete="username" required data-testid="sign-in-name" />
      <label for="password">${t("door.password")}</label>
      <input id="password" ref=${password} name="password" type="password" autocomplete="current-password" required
        data-testid="sign-in-password" />
      <p class="refusal" role="alert" data-testid="sign-in-refusal">${refusal && (pick(refusal) || t("error.unknown", { code: refusal.code }))}</p>
      <button class="primary" disabled=${sending} data-testid="sign-in-submit">
        ${sending ? t("action.sending") : t("door.enter")}
      </button>
    </form>
    <${LanguageSwitch} />
  </main>`;
}
