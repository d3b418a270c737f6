// Two languages, both in sight: the other one is a word away and named in itself.
import { html } from "../lib.js";
import { LANGUAGES, language, setLanguage, t } from "../i18n.js";

const NAMES = { "zh-CN": "中文", en: "EN" };

export function LanguageSwitch() {
  return html`<div class="segments language" role="group" aria-label=${t("bar.language")} data-testid="language">
    ${LANGUAGES.map((name) => html`<button key=${name} type="button" lang=${name} aria-pressed=${language.value === name}
      onClick=${() => setLanguage(name)} data-testid=${`language-${name}`}>${NAMES[name]}</button>`)}
  </div>`;
}
