// The live stream. The page judges by itself whether it is alive: no tick for ten seconds means that it is not,
// whatever the connection claims. A dead or half-open one is replaced, and resumes behind the last event seen.
import { computed, signal } from "./lib.js";
import { now, serverNow, setServerTime } from "./clock.js";

const DEAD_AFTER_MS = 10_000;
const RETRY_MS = 2_000;

const lastTick = signal(null); // {at: monotonic ms, ingestAge: s | null, stalled}
const started = signal(0);
const listeners = new Set();
let source = null;
let lastEvent = 0;
let opened = 0;
let retry = null;

// "connecting" | "live" | "stalled" | "dead"
export const health = computed(() => {
  now.value; // asked again every second
  const since = lastTick.value?.at ?? started.value;
  if (performance.now() - since > DEAD_AFTER_MS) return "dead";
  if (!lastTick.value) return "connecting";
  return lastTick.value.stalled ? "stalled" : "live";
});

// Milliseconds since the newest data that the pipeline had taken in, as far as this page knows; null: not known.
export const dataAge = computed(() => {
  now.value;
  const tick = lastTick.value;
  if (tick?.ingestAge == null) return null;
  return tick.ingestAge * 1000 + (performance.now() - tick.at);
});

export const silentFor = computed(() => {
  now.value;
  return performance.now() - (lastTick.value?.at ?? started.value);
});

// listener: {incident(incident), resumed()}; returns the way to stop.
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function connect(after) {
  disconnect();
  lastEvent = after;
  opened = 0;
  started.value = performance.now();
  lastTick.value = null;
  open();
}

export function disconnect() {
  clearTimeout(retry);
  source?.close();
  source = null;
}

function open() {
  clearTimeout(retry);
  source?.close();
  const mine = new EventSource(`api/events?last_event=${lastEvent}`);
  source = mine;
  const openedAt = performance.now();
  mine.onopen = () => {
    opened += 1;
    if (opened > 1) for (const l of listeners) l.resumed?.();
  };
  mine.addEventListener("tick", (message) => {
    const tick = JSON.parse(message.data);
    const wasDead = health.peek() === "dead";
    setServerTime(tick.now);
    now.value = serverNow();
    if (wasDead) for (const l of listeners) l.resumed?.(); // the server itself may have stood still
    lastTick.value = { at: performance.now(), ingestAge: tick.ingest_age_s, stalled: Boolean(tick.stalled) };
  });
  mine.addEventListener("incident", (message) => {
    lastEvent = Math.max(lastEvent, Number(message.lastEventId) || 0);
    const incident = JSON.parse(message.data);
    for (const l of listeners) l.incident?.(incident);
  });
  mine.onerror = () => {
    // The browser retries by itself unless it was answered with an error.
    if (mine === source && mine.readyState === EventSource.CLOSED) retry = setTimeout(open, RETRY_MS);
  };
  watch(mine, openedAt);
}

// A connection that says it is open and brings nothing is closed and opened again.
function watch(mine, openedAt) {
  setTimeout(() => {
    if (mine !== source) return;
    const heard = Math.max(openedAt, lastTick.value?.at ?? 0);
    if (performance.now() - heard > DEAD_AFTER_MS) open();
    else watch(mine, openedAt);
  }, DEAD_AFTER_MS / 2);
}
