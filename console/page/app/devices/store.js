// The board's devices, read again every few seconds while the board is looked at; the more there are, the slower.
// Kept between visits, so that coming back from a device shows the board at once and at the same place.
import { signal } from "../lib.js";
import { get } from "../api.js";

export const devices = signal(null);
export const refusal = signal(null);
export const board = signal({ choice: "all", text: "", top: 0 });

export async function readDevices() {
  try {
    devices.value = (await get("devices")).items;
    refusal.value = null;
  } catch (refused) {
    refusal.value = refused;
  }
}

// Starts reading; returns the way to stop.
export function keepReading() {
  let timer = null;
  let over = false;
  const round = async () => {
    if (!document.hidden) await readDevices();
    if (over) return;
    const pause = document.hidden ? 1000 : Math.max(2000, Math.min(15_000, (devices.value?.length ?? 0) * 5));
    timer = setTimeout(round, pause);
  };
  round();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}
