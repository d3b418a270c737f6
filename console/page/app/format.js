// Numbers, times and durations as people here read them. Screens are in Asia/Shanghai whatever the browser's zone.
import { language, t } from "./i18n.js";

export const ZONE = "Asia/Shanghai";
const cache = new Map();

function cached(kind, make) {
  const key = `${language.value} ${kind}`;
  if (!cache.has(key)) cache.set(key, make(language.value));
  return cache.get(key);
}

const UNITS = { celsius: "°C", Cel: "°C", C: "°C", degC: "°C", percent: "%", percent_rh: "%RH", bool: "", "1": "" };

export function unitText(unit) {
  return UNITS[unit] ?? unit ?? "";
}

export function number(value, digits = 1) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const format = cached(`n${digits}`, (l) =>
    new Intl.NumberFormat(l, { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  return format.format(Object.is(Math.round(value * 10 ** digits), -0) ? 0 : value);
}

// A test's value as the instrument gave it: no digit added, none taken away below the fourth.
export function exact(value, unit) {
  const text = cached("exact", (l) => new Intl.NumberFormat(l, { maximumFractionDigits: 4 })).format(value);
  return unitText(unit) ? `${text} ${unitText(unit)}` : text;
}

// A test's figure: its number, or the text that stands for one with its sign (>100).
export function figure({ value, value_text: text, unit }) {
  if (value !== null && value !== undefined) return exact(value, unit);
  return text && unitText(unit) ? `${text} ${unitText(unit)}` : text ?? "";
}

export function count(value) {
  return cached("count", (l) => new Intl.NumberFormat(l)).format(value ?? 0);
}

// What only has two states: the words of 0 and 1.
const SWITCHES = { open: ["value.closed", "value.open"], mains: ["value.off", "value.on"] };

export const isSwitch = (metric) => Object.hasOwn(SWITCHES, metric);

// A value with its unit; a switch's 1 and 0 are words.
export function measured(value, unit, metric) {
  if (value === null || value === undefined) return "–";
  if (isSwitch(metric)) return t(SWITCHES[metric][Number(value > 0.5)]);
  const text = unitText(unit);
  return text ? `${number(value)} ${text}` : number(value);
}

function parts(ms, options, kind) {
  return cached(kind, (l) => new Intl.DateTimeFormat(l, { timeZone: ZONE, hourCycle: "h23", ...options })).format(ms);
}

const isoDay = (ms) =>
  new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE, year: "numeric", month: "2-digit", day: "2-digit" }).format(ms);
const clock = (ms) => parts(ms, { hour: "2-digit", minute: "2-digit", second: "2-digit" }, "clock");

export const clockTime = (time) => clock(epoch(time));

export function epoch(time) {
  return typeof time === "number" ? time : Date.parse(time);
}

// "今天 10:02:31", "昨天 10:02:31", "11-20 10:02:31"
export function stamp(time, now = Date.now()) {
  if (!time) return "–";
  const ms = epoch(time);
  const day = isoDay(ms);
  if (day === isoDay(now)) return `${t("time.today")} ${clock(ms)}`;
  if (day === isoDay(now - 86_400_000)) return `${t("time.yesterday")} ${clock(ms)}`;
  return `${day.slice(0, 4) === isoDay(now).slice(0, 4) ? day.slice(5) : day} ${clock(ms)}`;
}

// The whole stamp with its zone, for hover and print.
export function fullStamp(time) {
  if (!time) return "";
  const ms = epoch(time);
  const fraction = String(((ms % 1000) + 1000) % 1000).padStart(3, "0");
  return `${isoDay(ms)} ${clock(ms)}.${fraction} +08:00 (${ZONE})`;
}

export function day(time) {
  return time ? isoDay(epoch(time)) : "–";
}

// How long something has lasted, in the two largest units people say.
export function duration(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return t("duration.s", { s });
  const m = Math.floor(s / 60);
  if (m < 60) return t("duration.m", { m });
  const h = Math.floor(m / 60);
  if (h < 24) return m % 60 ? t("duration.hm", { h, m: m % 60 }) : t("duration.h", { h });
  const d = Math.floor(h / 24);
  return h % 24 ? t("duration.dh", { d, h: h % 24 }) : t("duration.d", { d });
}

// How long ago: tenths below ten seconds, so that a live second can be told from a stuck one.
export function ago(ms) {
  const s = Math.max(0, ms / 1000);
  if (s < 10) return t("ago.s", { s: number(s) });
  if (s < 60) return t("ago.s", { s: Math.floor(s) });
  return t("ago.long", { duration: duration(ms) });
}

export function bytes(size) {
  return size < 1024 ? `${size} B` : `${number(size / 1024)} KiB`;
}

// A number as it is dialled: an extension ("转", "x") becomes a pause, and of several numbers the first one counts.
export function telephoneHref(text) {
  const first = text.split(/[;/]/)[0];
  return `tel:${first.replace(/\s*(转|x)\s*/, ",").replace(/[^0-9+,]/g, "")}`;
}
