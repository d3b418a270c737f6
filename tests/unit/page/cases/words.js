// Catalogue lookups, and an incident in words.
import { equal, en, zh } from "./check.js";
import { language, pick, setLanguage, t, word } from "/static/app/i18n.js";
import { bandText, haystack, lasted, limitText, placeText, sentence, stateKey, valueText, whatText, worst } from "/static/app/incidents/words.js";

const START = "2026-11-27T04:00:00Z";
const MINUTE = 60_000;
const warm = {
  id: "i", rule: "excursion", metric: "temperature", unit: "celsius", peak: 9.5, current: 9, limit: 8, severity: 1,
  state: "open", start_at: START, end_at: null, enterprise: "xingfu", enterprise_name: "幸福", site: "s1",
  site_name: "一店", asset: "三号冷库", device: "probe-1",
};

export const cases = {
  "a key is said in the chosen language with its parameters"() {
    equal([zh(() => t("duration.hm", { h: 1, m: 2 })), en(() => t("duration.hm", { h: 1, m: 2 }))], ["1 小时 2 分", "1 h 2 min"]);
  },
  "a parameter that is missing stays visible and zero is no missing one"() {
    equal(en(() => [t("duration.s", {}), t("duration.s", { s: 0 })]), ["{s} s", "0 s"]);
  },
  "an unknown key shows itself and an unknown member its own name"() {
    equal(en(() => [t("no.such"), word("kind", "of_tomorrow"), word("kind", "camera")]), ["no.such", "of_tomorrow", "Camera"]);
  },
  "the server's pair is picked by language and nothing is empty"() {
    equal([zh(() => pick({ zh: "坏", en: "bad" })), en(() => pick({ zh: "坏", en: "bad" })), pick(null)], ["坏", "bad", ""]);
  },
  "the language reaches the document and is remembered"() {
    setLanguage("en");
    equal([language.value, document.documentElement.lang, localStorage.getItem("coldwatch.language")], ["en", "en", "en"]);
    setLanguage("zh-CN");
    equal(document.documentElement.lang, "zh-CN");
  },
  "too warm and too cold are told apart"() {
    equal(en(() => [whatText(warm), whatText({ ...warm, peak: -25, limit: -18 })]), ["Too warm", "Too cold"]);
  },
  "a power cut is said in words and so is its limit"() {
    const cut = { ...warm, metric: "mains", unit: "1", peak: 0, current: 0, limit: 0.5 };
    equal(en(() => [whatText(cut), valueText(cut), limitText(cut)]), ["Power cut", "off", "on"]);
    equal(zh(() => [whatText(cut), valueText(cut), limitText(cut)]), ["停电", "停电", "有电"]);
  },
  "a metric without words of its own falls back to its name"() {
    equal(en(() => whatText({ ...warm, metric: "pressure" }).startsWith("pressure · ")), true);
  },
  "the last value stands while it lasts and the worst one afterwards"() {
    equal(en(() => [valueText(warm), valueText({ ...warm, end_at: START })]), ["9.0 °C", "9.5 °C"]);
  },
  "the worst value includes the last one and the good points since its start"() {
    const at = Date.parse(START);
    const points = [[at - 1, 99, 1], [at + 1, 12, 1], [at + 2, 50, 2]];
    equal(worst(warm, { points }), 12);
    equal(worst({ ...warm, peak: 1, current: 0.5, limit: 2 }, { points: [[at, 0.2, 0]] }), 0.2);
    equal(worst({ ...warm, end_at: START }, { points }), 9.5);
  },
  "a limit says from which side it is crossed"() {
    equal(en(() => [limitText(warm), limitText({ ...warm, peak: 1, limit: 2.5 }), limitText({ ...warm, limit: null })]), ["≤ 8", "≥ 2.5", ""]);
  },
  "a band says which of its ends belong to it"() {
    const row = { low: 2, low_inclusive: true, high: 8, high_inclusive: false };
    equal(en(() => [bandText(row, "celsius"), bandText({ low: null, high: null }, "celsius"), bandText(null)]), ["≥ 2, < 8 °C", "", ""]);
  },
  "a place is enterprise, site and asset or else the device"() {
    equal([placeText(warm), placeText({ device: "d" })], ["幸福 · 一店 · 三号冷库", "d"]);
  },
  "it lasts until now or until its end"() {
    const now = Date.parse(START) + 5 * MINUTE;
    equal(en(() => [lasted(warm, now), lasted({ ...warm, end_at: "2026-11-27T04:02:00Z" }, now)]), ["5 min", "2 min"]);
  },
  "ended and not yet closed is a state of its own"() {
    equal([stateKey(warm), stateKey({ ...warm, end_at: START }), stateKey({ ...warm, end_at: START, state: "closed" })], ["open", "ended", "closed"]);
  },
  "a whole row is one sentence"() {
    const text = zh(() => sentence(warm, Date.parse(START) + MINUTE));
    for (const part of ["幸福 · 一店 · 三号冷库", "温度过高", "9.0 °C", "≤ 8", "1 分钟"]) equal([part, text.includes(part)], [part, true]);
  },
  "the search looks in what is seen and in the ids behind it"() {
    const text = en(() => haystack({ ...warm, device: "PROBE-1" }));
    equal(["幸福", "too warm", "probe-1"].map((part) => text.includes(part)), [true, true, true]);
  },
};
