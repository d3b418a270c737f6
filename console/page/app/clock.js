// One clock for the page, once a second, set by the server's: a seat's wrong clock must not change a duration.
import { computed, signal } from "./lib.js";

let offset = 0;
export const now = signal(Date.now());

export function setServerTime(time) {
  const ms = Date.parse(time);
  if (Number.isFinite(ms)) offset = ms - Date.now();
}

export function serverNow() {
  return Date.now() + offset;
}

setInterval(() => (now.value = serverNow()), 1000);

// For curves and lists that need no more than a tenth of a minute.
export const slowNow = computed(() => Math.floor(now.value / 5000) * 5000);
