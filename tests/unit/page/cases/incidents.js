// The order of the list, what holds it still, and what folds the stream's events.
import { equal } from "./check.js";
import { arrange, compareNewest, compareOpen, countLevels, hold, inView, pin } from "/static/app/incidents/order.js";
import { incidents, unacknowledged, upsert } from "/static/app/incidents/store.js";

const make = (id, severity = 2, state = "open", opened_ms = 0) => ({ id, severity, state, opened_ms });
const ids = (list) => list.map((i) => i.id);
const ALL = { state: "all", level: 0, text: "" };

export const cases = {
  "the worst comes first, then what nobody has taken, then the newest"() {
    const list = [make("old", 2, "open", 1), make("new", 2, "open", 2), make("taken", 1, "acknowledged", 9), make("red", 1, "open", 0)];
    equal(ids(list.sort(compareOpen)), ["red", "taken", "new", "old"]);
  },
  "of one instant the order is that of the ids, whatever they came in"() {
    equal(ids([make("b"), make("a")].sort(compareNewest)), ids([make("a"), make("b")].sort(compareNewest)));
  },
  "a view shows its state, its level and its words"() {
    const shows = (incident, view) => inView(incident, { ...ALL, ...view }, (i) => `place of ${i.id}`);
    equal([shows(make("a", 2, "closed"), { state: "open" }), shows(make("a", 2, "closed"), { state: "closed" })], [false, true]);
    equal([shows(make("a", 2), { level: 1 }), shows(make("a", 1), { level: 1 })], [false, true]);
    equal([shows(make("a"), { text: "of a" }), shows(make("a"), { text: "of b" })], [true, false]);
  },
  "arranging leaves what it was given as it was"() {
    const list = [make("a", 4), make("b", 1)];
    equal(ids(arrange(list, { ...ALL, state: "open" }, () => "")), ["b", "a"]);
    equal(ids(list), ["a", "b"]);
  },
  "the selected row keeps its place while others flow round it"() {
    const before = [make("a"), make("b"), make("c")];
    const after = [make("new"), make("a"), make("b"), make("c")];
    equal(ids(pin(after, before, "b")), ["new", "b", "a", "c"]);
  },
  "a selected row that is new or gone pins nothing"() {
    const list = [make("a"), make("b")];
    equal([ids(pin(list, [], "a")), ids(pin(list, list, "gone"))], [["a", "b"], ["a", "b"]]);
  },
  "held rows keep their places and take their new content"() {
    const { shown, isKnown } = hold([make("a"), make("gone")], new Map([["a", make("a", 1)], ["new", make("new")]]));
    equal([ids(shown), shown[0].severity, isKnown("gone"), isKnown("new")], [["a", "gone"], 1, true, false]);
  },
  "levels are counted, those without one too"() {
    equal(countLevels([make("a", 1), make("b", 1), make("c", 3)]), { 1: 2, 2: 0, 3: 1, 4: 0 });
  },
  "of two events of an incident the later holds, whichever comes last"() {
    incidents.value = new Map();
    const event = (last_event, state) => ({ id: "a", last_event, state, opened_at: "2026-11-27T04:00:00Z" });
    upsert([event(2, "acknowledged")]);
    upsert([event(1, "open")]);
    equal(incidents.value.get("a").state, "acknowledged");
    upsert([event(3, "closed")]);
    equal([incidents.value.get("a").state, incidents.value.size], ["closed", 1]);
  },
  "one batch that holds an incident twice ends in its later event"() {
    incidents.value = new Map();
    upsert([{ id: "a", last_event: 5, state: "closed" }, { id: "a", last_event: 4, state: "open" }]);
    equal(incidents.value.get("a").state, "closed");
  },
  "what nobody has taken is counted and an empty batch changes nothing"() {
    incidents.value = new Map();
    upsert([{ id: "a", last_event: 1, state: "open" }, { id: "b", last_event: 1, state: "acknowledged" }]);
    const before = incidents.value;
    upsert([]);
    equal([unacknowledged.value, incidents.value === before], [1, true]);
  },
};
