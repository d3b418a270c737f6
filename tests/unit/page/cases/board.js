// The board's order, groups and choices; a camera that shows what is not now.
import { equal, zh } from "./check.js";
import { boardRows, countChoices, ownAge, pointsOf, stateOf } from "/static/app/devices/board_rows.js";
import { isStale } from "/static/app/frames/store.js";

const device = (name, more = {}) => ({
  device: name, kind: "probe", enterprise: "e1", enterprise_name: "甲", site: "s1", site_name: "一店", asset: "",
  open_incidents: 0, refused_24h: 0, points: [{ metric: "temperature", state: "in_range" }], ...more,
});
const ALL = { choice: "all", text: "" };
const names = (rows) => rows.map((r) => r.device ?? `# ${r.heading}`);

export const cases = {
  "a device is as bad as its worst point"() {
    const points = ["in_range", "breach", "unknown"].map((state) => ({ metric: state, state }));
    equal([stateOf(device("d", { points })), stateOf(device("d", { points: [] })), stateOf(device("d", { retired_at: "x" }))], ["breach", "no_points", "retired"]);
  },
  "a value has the age of its own time, whenever its device was heard"() {
    const now = Date.parse("2026-11-27T12:00:00Z");
    const age = (at, interval_s, value = 4) => ownAge({ value, at }, { interval_s, last_heard: "2026-11-27T11:59:59Z" }, now);
    equal([age("2026-11-27T04:00:00Z", 60), age("2026-11-27T11:57:59Z", 60)], [8 * 3_600_000, 121_000]);
    equal([age("2026-11-27T11:58:00Z", 60), age("2026-11-27T11:58:01Z", 1), age("2026-11-27T11:50:00Z", 300)], [null, null, null]);
    equal([age(null, 60), age("2026-11-27T04:00:00Z", 60, null), age("2026-11-27T12:00:30Z", 60)], [null, null, null]);
  },
  "a value out of limits that is timed is worse than one in range and better than an unknown one"() {
    const worst = (...states) => stateOf(device("d", { points: states.map((state) => ({ metric: state, state })) }));
    equal([worst("in_range", "pending"), worst("pending", "unknown"), worst("pending", "suppressed")], ["pending", "unknown", "pending"]);
  },
  "points stand in the order people ask for them"() {
    const points = ["weight", "open", "temperature", "battery"].map((metric) => ({ metric }));
    equal(pointsOf({ points }).map((p) => p.metric), ["temperature", "open", "battery", "weight"]);
  },
  "each site has one heading with its sums"() {
    const list = [device("d2"), device("x", { site: "s2", site_name: "二店" }), device("d1", { open_incidents: 2 })];
    const rows = boardRows(list, ALL);
    equal(names(rows).filter((name) => name.startsWith("#")).length, 2);
    const heading = rows.find((r) => r.heading === "e1/s1");
    equal([heading.devices, heading.open], [2, 2]);
  },
  "numbers in names are sorted as numbers"() {
    equal(names(boardRows([device("d10"), device("d9")], ALL)), ["# e1/s1", "d9", "d10"]);
  },
  "a choice and words leave away what does not fit, headings too"() {
    const list = [device("d1", { refused_24h: 3 }), device("d2", { site: "s2" })];
    equal(names(boardRows(list, { choice: "refused", text: "" })), ["# e1/s1", "d1"]);
    equal(zh(() => names(boardRows(list, { choice: "all", text: "d2" }))), ["# e1/s2", "d2"]);
    equal(boardRows(list, { choice: "breach", text: "" }), []);
  },
  "choices are counted"() {
    equal(countChoices([device("a", { refused_24h: 1, open_incidents: 1 }), device("b")]), { all: 2, breach: 0, unknown: 0, incidents: 1, refused: 1 });
  },
  "a camera is stale after two of its intervals, or without a frame"() {
    const camera = { interval_s: 10, frame: { at: 0 } };
    equal([isStale(camera, 21_000), isStale(camera, 21_001), isStale({ interval_s: 10, frame: null }, 0)], [false, true, true]);
  },
};
