// What the cases share: comparing by value, and saying something in one language.
import { loadCatalogues, setLanguage } from "/static/app/i18n.js";
import { loadRules } from "/static/app/rules.js";

await Promise.all([loadCatalogues(), loadRules()]);

export function equal(actual, expected) {
  const [a, e] = [actual, expected].map((value) => JSON.stringify(value));
  if (a !== e) throw new Error(`expected ${e}, got ${a}`);
}

export function said(language, speak) {
  setLanguage(language);
  return speak();
}

export const zh = (speak) => said("zh-CN", speak);
export const en = (speak) => said("en", speak);
