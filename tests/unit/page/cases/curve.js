// From the server's points to what is drawn.
import { equal } from "./check.js";
import { limitLines, series, spread, yRange } from "/static/app/curve/data.js";

const regular = (values, step = 1000) => values.map((value, i) => [i * step, value, 1, false]);

export const cases = {
  "nothing is drawn of nothing"() {
    equal(series(null), { xs: [], ys: [], flagged: [], late: [], alone: [] });
  },
  "a line breaks where a reading is missing and nowhere else"() {
    const points = [...regular([1, 2, 3]), [9000, 4, 1, false]];
    equal(series({ points, interval_s: 1 }).ys, [1, 2, 3, null, 4]);
    equal(series({ points: regular([1, 2, 3]), interval_s: 1 }).ys, [1, 2, 3]);
  },
  "a line breaks over a time of silence"() {
    const curve = { points: regular([1, 2, 3]), interval_s: 1, unknown: [[1000, 1500]] };
    equal(series(curve).ys, [1, 2, null, 3]);
  },
  "points that the server has thinned out are one line"() {
    equal(series({ points: regular([1, 2, 3], 60_000), interval_s: 2 }).ys, [1, 2, 3]);
  },
  "flagged and late samples are told"() {
    const drawn = series({ points: [[0, 5, 2, false], [1000, 6, 1, true]], interval_s: 1 });
    equal([drawn.flagged, drawn.late], [[[0, 5]], [1000]]);
  },
  "a sample with a break on either side is drawn by itself"() {
    const points = [...regular([1, 2, 3, 4]), [19000, 4, 1, false], [40000, 5, 1, false]];
    equal(series({ points, interval_s: 1 }).alone, [[19000, 4], [40000, 5]]);
    equal(series({ points: [[0, 7, 1, false]], interval_s: 1 }).alone, [[0, 7]]);
    equal(series({ points: regular([1, 2, 3]), interval_s: 1 }).alone, []);
  },
  "limits are drawn once, lowest first, and the legal one wins"() {
    const step = { from: 0, to: 9, high: 8, tolerance_high: 8, low: 2, reject_low: null };
    equal(limitLines([step]), [{ key: "low", value: 2, from: 0, to: 9, last: true }, { key: "high", value: 8, from: 0, to: 9, last: true }]);
    equal([limitLines(undefined), limitLines([])], [[], []]);
  },
  "limits are those of their time: what changes ends, what stays goes on"() {
    const steps = [{ from: 0, to: 5, low: 0, high: 8 }, { from: 5, to: 9, low: 0, high: 4 }];
    equal(limitLines(steps), [
      { key: "low", value: 0, from: 0, to: 9, last: true },
      { key: "high", value: 4, from: 5, to: 9, last: true },
      { key: "high", value: 8, from: 0, to: 5, last: false },
    ]);
  },
  "a time without limits has none"() {
    equal(limitLines([{ from: 0, to: 5, high: 8 }, { from: 7, to: 9, high: 8 }]).map((l) => [l.from, l.to, l.last]), [[0, 5, false], [7, 9, true]]);
  },
  "the scale holds every value and every limit with some air"() {
    equal(yRange([4, null, 6], [{ value: 8 }]), [3.5, 8.5]);
    equal(yRange([0, 20], []), [-2, 22]);
  },
  "a scale of nothing and of a door are fixed"() {
    equal([yRange([null], []), yRange([1, 0], [], "open"), yRange([1], [], "mains")], [[0, 1], [-0.15, 1.15], [-0.15, 1.15]]);
  },
  "labels are pushed apart and those that have room stay"() {
    equal(spread([100, 95, 50], 14), [100, 86, 50]);
  },
};
