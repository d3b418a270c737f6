// Numbers, times and durations.
import { equal, en, zh } from "./check.js";
import { ago, bytes, clockTime, count, day, duration, exact, figure, fullStamp, measured, number, stamp, telephoneHref, unitText } from "/static/app/format.js";

const NOON = Date.parse("2026-11-27T12:00:00+08:00");
const MINUTE = 60_000;

export const cases = {
  "a test's figure is its number, or the text that stands for one"() {
    equal([{ value: 61.5, unit: "%" }, { value: null, value_text: ">100", unit: "ng/mL" }, { value: null, value_text: "未检出", unit: "" }, { value: 0, value_text: "" }, {}].map(figure), ["61.5 %", ">100 ng/mL", "未检出", "0", ""]);
  },
  "a telephone number is dialled without its marks and with a pause before the extension"() {
    equal(["+86 (359) 202-1234", "0359-2021234转 805", "110 / 119"].map(telephoneHref), ["tel:+863592021234", "tel:03592021234,805", "tel:110"]);
  },
  "a time is Shanghai's whatever the browser's zone"() {
    equal(Intl.DateTimeFormat().resolvedOptions().timeZone, "America/New_York");
    equal(clockTime("2026-11-27T04:00:00Z"), "12:00:00");
  },
  "midnight in Shanghai is 00, not 24"() {
    equal(clockTime("2026-11-26T16:00:00Z"), "00:00:00");
  },
  "a day begins at midnight in Shanghai"() {
    equal([day("2026-11-26T15:59:59Z"), day("2026-11-26T16:00:00Z")], ["2026-11-26", "2026-11-27"]);
  },
  "a stamp of today and yesterday says so"() {
    equal(zh(() => stamp(NOON, NOON)), "今天 12:00:00");
    equal(en(() => stamp(NOON - 24 * 60 * MINUTE, NOON)), "yesterday 12:00:00");
  },
  "a stamp of this year leaves the year away and one of another does not"() {
    equal(zh(() => stamp("2026-01-02T03:04:05+08:00", NOON)), "01-02 03:04:05");
    equal(zh(() => stamp("2025-12-31T23:59:59+08:00", NOON)), "2025-12-31 23:59:59");
  },
  "no time is a dash"() {
    equal([stamp(null, NOON), day(null), fullStamp(null)], ["–", "–", ""]);
  },
  "the whole stamp has milliseconds and zone"() {
    equal(fullStamp("2026-11-27T04:00:00.007Z"), "2026-11-27 12:00:00.007 +08:00 (Asia/Shanghai)");
  },
  "a duration has at most its two largest units"() {
    equal(zh(() => [0, 59_999, MINUTE, 61 * MINUTE, 120 * MINUTE, 24 * 60 * MINUTE, 25 * 60 * MINUTE + 1].map(duration)),
      ["0 秒", "59 秒", "1 分钟", "1 小时 1 分", "2 小时", "1 天", "1 天 1 小时"]);
    equal(en(() => duration(61 * MINUTE)), "1 h 1 min");
  },
  "a duration below nothing is nothing"() {
    equal(en(() => duration(-5000)), "0 s");
  },
  "below ten seconds ago has tenths"() {
    equal(en(() => [ago(1234), ago(12_345), ago(-1), ago(90_000)]), ["1.2 s ago", "12 s ago", "0.0 s ago", "1 min ago"]);
  },
  "a number that is none is a dash and there is no minus zero"() {
    equal([number(null), number(undefined), number(NaN), number(Infinity), number(-0.04)], ["–", "–", "–", "–", "0.0"]);
  },
  "a number keeps its digits and groups thousands"() {
    equal(en(() => [number(4), number(1234.56), number(3, 0), count(12_345), count(undefined)]), ["4.0", "1,234.6", "3", "12,345", "0"]);
  },
  "a test's value gets no digit added"() {
    equal(zh(() => [exact(62, "percent"), exact(0.12345, "mg/kg"), exact(1.5, "")]), ["62 %", "0.1235 mg/kg", "1.5"]);
  },
  "an unknown unit is shown as it is"() {
    equal([unitText("celsius"), unitText("bool"), unitText("ppm"), unitText(null)], ["°C", "", "ppm", ""]);
  },
  "a door's value is a word in the reader's language"() {
    equal([zh(() => measured(1, "bool", "open")), en(() => measured(0, "bool", "open"))], ["开", "closed"]);
    equal([zh(() => measured(0, "1", "mains")), en(() => measured(1, "1", "mains"))], ["停电", "on"]);
    equal(en(() => measured(4.12, "celsius", "temperature")), "4.1 °C");
    equal(measured(null, "celsius", "temperature"), "–");
  },
  "small sizes are bytes and larger ones KiB"() {
    equal(en(() => [bytes(1023), bytes(1536)]), ["1023 B", "1.5 KiB"]);
  },
};
