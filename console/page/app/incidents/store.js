// All incidents this page knows, by id: every open one, and as many others as were asked for. Lists and the newest
// event of each come by different ways; the higher `last_event` holds, whichever comes last.
import { computed, signal } from "../lib.js";
import { get } from "../api.js";
import { epoch } from "../format.js";
import { health, listen } from "../live.js";

const PAGE = 500;
const TOP = 200;
const REFRESH_MS = 5000;
const WHOLE_EVERY = 12; // of these, one reads the whole list
const ARRIVAL_MS = 2000;

export const incidents = signal(new Map());
export const loading = signal("first"); // "first" | "" | "refused"
export const refusal = signal(null);
const arrivals = new Map(); // id -> monotonic ms of a live opening
const cursors = signal({ closed: undefined, all: undefined }); // undefined: not asked; null: nothing more

export const unacknowledged = computed(() => {
  let n = 0;
  for (const i of incidents.value.values()) if (i.state === "open") n += 1;
  return n;
});

export function arrivedJustNow(id) {
  return performance.now() - (arrivals.get(id) ?? -Infinity) < ARRIVAL_MS;
}

export function upsert(list) {
  if (!list.length) return;
  const next = new Map(incidents.value);
  for (const incident of list) {
    const known = next.get(incident.id);
    if (known && known.last_event > incident.last_event) continue;
    next.set(incident.id, { ...incident, opened_ms: epoch(incident.opened_at) });
  }
  incidents.value = next;
}

// Reads every open incident; returns the last event that the answer includes, from which the stream goes on.
export async function loadOpen() {
  try {
    let before = "";
    let after = null;
    const seen = new Set();
    do {
      const answer = await get(`incidents?state=open&limit=${PAGE}${before && `&before=${encodeURIComponent(before)}`}`);
      after = after ?? answer.last_event; // the first page's: the stream repeats what changed while the rest was read
      for (const i of answer.items) seen.add(i.id);
      upsert(answer.items);
      before = answer.next;
    } while (before);
    await settle(seen, after);
    loading.value = "";
    refusal.value = null;
    return after ?? 0;
  } catch (refused) {
    refusal.value = refused;
    loading.value = loading.value && "refused";
    throw refused;
  }
}

// Those that the page holds as open and the server no longer lists were closed while the stream was cut.
async function settle(seen, after) {
  const lost = [...incidents.value.values()].filter((i) => i.state !== "closed" && !seen.has(i.id) && i.last_event <= after);
  const answers = await Promise.allSettled(lost.map((i) => get(`incidents/${i.id}`)));
  upsert(answers.filter((a) => a.status === "fulfilled").map((a) => a.value));
}

export function hasMore(state) {
  return state !== "open" && cursors.value[state] !== null;
}

let fetching = null;

// The next page of closed or all incidents; one request at a time.
export function loadMore(state) {
  if (fetching || !hasMore(state)) return fetching;
  const cursor = cursors.value[state];
  fetching = get(`incidents?state=${state}&limit=${PAGE}${cursor ? `&before=${encodeURIComponent(cursor)}` : ""}`)
    .then((answer) => {
      upsert(answer.items);
      cursors.value = { ...cursors.value, [state]: answer.next };
      refusal.value = null;
    }, (refused) => (refusal.value = refused))
    .finally(() => (fetching = null));
  return fetching;
}

// An event comes when an incident changes, not with every reading, so the last values are asked for: of the rows on top
// often, of all now and then. Starts asking; returns the way to stop.
export function keepFresh() {
  let round = 0;
  const timer = setInterval(() => {
    if (document.hidden || health.peek() === "dead" || loading.peek()) return;
    round += 1;
    if (round % WHOLE_EVERY === 0) loadOpen().catch(() => {}); // `refusal` shows it
    else get(`incidents?state=open&limit=${TOP}`).then((answer) => upsert(answer.items), () => {}); // the stream says more
  }, REFRESH_MS);
  return () => clearInterval(timer);
}

// Events of one frame are applied together: a flood of 1,000 is one rendering.
export function startListening() {
  let waiting = [];
  const apply = () => {
    const list = waiting;
    waiting = [];
    upsert(list);
  };
  return listen({
    incident: (incident) => {
      if (incident.transition === "opened") arrivals.set(incident.id, performance.now());
      waiting.push(incident);
      if (waiting.length === 1) setTimeout(apply, 16);
    },
    resumed: () => loadOpen().catch(() => {}), // `refusal` shows it; the stream itself resumes what was missed
  });
}
