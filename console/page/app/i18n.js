// Two flat catalogues, both loaded at the start, so that switching is instant and works during an outage.
import { signal } from "./lib.js";

export const LANGUAGES = ["zh-CN", "en"];
const STORED = "coldwatch.language";
const catalogues = {};

export const language = signal(LANGUAGES.includes(recall()) ? recall() : "zh-CN");

function recall() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // storage may be switched off; the default then holds
  }
}

export async function loadCatalogues() {
  const load = async (name) => {
    const answer = await fetch(`static/i18n/${name}.json`);
    if (!answer.ok) throw new Error(`catalogue ${name}: ${answer.status}`);
    catalogues[name] = await answer.json();
  };
  await Promise.all(LANGUAGES.map(load));
  document.documentElement.lang = language.value;
}

export function setLanguage(name) {
  language.value = name;
  document.documentElement.lang = name;
  try {
    localStorage.setItem(STORED, name);
  } catch {
    // the choice then lasts until the page is closed
  }
}

// Text of a key in the chosen language; {name} is replaced from `params`. An unknown key shows itself.
export function t(key, params) {
  const text = catalogues[language.value]?.[key] ?? key;
  return params ? text.replace(/\{(\w+)\}/g, (whole, name) => params[name] ?? whole) : text;
}

// Text of an open family (rules, kinds, codes): the server may know a member that this page does not yet.
export function word(family, member) {
  const key = `${family}.${member}`;
  return catalogues[language.value]?.[key] ?? String(member);
}

// A pair of sentences as the server gives them.
export function pick(pair) {
  return pair ? (language.value === "en" ? pair.en : pair.zh) : "";
}
