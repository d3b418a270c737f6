// What is known of a rule: its words, how its incidents are shown and proved. The server says it; the page names none.
import { pick } from "./i18n.js";

const UNKNOWN = { words: null, value: "none", evidence: ["curve"], aspects: [], variants: {} };
const known = new Map();

export async function loadRules() {
  const answer = await fetch("api/rules");
  if (!answer.ok) throw new Error(`rules: ${answer.status}`);
  putRules((await answer.json()).items);
}

export function putRules(items) {
  known.clear();
  for (const rule of items) known.set(rule.name, rule);
}

// A rule that the server has got since the page was loaded shows its bare name.
export function ruleOf(name) {
  return known.get(name) ?? UNKNOWN;
}

export function ruleText(name) {
  return pick(ruleOf(name).words) || String(name);
}
