// Devices: the board of all, or the page of one.
import { html } from "../lib.js";
import { route } from "../router.js";
import { Board } from "./board.js";
import { DevicePage } from "./device.js";

export function DevicesPage() {
  const { id } = route.value;
  return id ? html`<${DevicePage} key=${id} id=${id} />` : html`<${Board} />`;
}
