// The newest frame of every camera. The common list holds the newest frames of all, so a camera that has stopped
// would fall out of it and vanish from the wall just when somebody should look: such a one is asked for by name.
import { signal } from "../lib.js";
import { epoch } from "../format.js";
import { get } from "../api.js";

const REFRESH_MS = 5000;
const LIST = 200;

export const cameras = signal(null); // [{device, enterprise_name, site_name, asset, interval_s, frame | null}]
export const refusal = signal(null);
const newest = new Map();

function keep(frame) {
  const known = newest.get(frame.camera);
  if (!known || epoch(frame.at) >= epoch(known.at)) newest.set(frame.camera, frame);
}

async function readCameras() {
  const [devices, frames] = await Promise.all([get("devices"), get(`frames?limit=${LIST}`)]);
  frames.items.forEach(keep);
  const mine = devices.items.filter((d) => d.kind === "camera" && !d.retired_at);
  const missing = mine.filter((d) => !newest.has(d.device) && d.last_heard);
  const answers = await Promise.all(missing.map((d) => get(`frames?camera=${encodeURIComponent(d.device)}&limit=1`)));
  for (const answer of answers) answer.items.forEach(keep);
  cameras.value = mine.map((d) => ({ ...d, frame: newest.get(d.device) ?? null })).sort(compare);
}

// Silent for more than two of its intervals: what it shows is not now.
export function isStale(camera, now) {
  return !camera.frame || (camera.interval_s > 0 && now - epoch(camera.frame.at) > camera.interval_s * 2000 + 1000);
}

// Those with a fault first, then by place; not by age, or cards would change places all the time.
function compare(a, b) {
  const place = (c) => `${c.enterprise_name} ${c.site_name} ${c.device}`;
  return Number(!a.frame?.faults.length) - Number(!b.frame?.faults.length) || place(a).localeCompare(place(b), "zh-CN", { numeric: true });
}

// Starts reading; returns the way to stop.
export function keepWatching() {
  let timer = null;
  let over = false;
  const round = async () => {
    if (!document.hidden) {
      await readCameras().then(() => (refusal.value = null), (refused) => (refusal.value = refused));
    }
    if (!over) timer = setTimeout(round, document.hidden ? 1000 : REFRESH_MS);
  };
  round();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}
