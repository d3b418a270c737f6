// The address holds what is shown: #/incidents/ID, #/devices, ... A reload or a shared link opens the same thing.
import { signal } from "./lib.js";

const PAGES = ["incidents", "devices", "results", "frames"];

function parse() {
  const [page, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  return { page: PAGES.includes(page) ? page : "incidents", id: rest.length ? decodeURIComponent(rest.join("/")) : null };
}

export const route = signal(parse());
addEventListener("hashchange", () => (route.value = parse()));

export function href(page, id) {
  return id ? `#/${page}/${encodeURIComponent(id)}` : `#/${page}`;
}

// `replace` is for moving along a list: the back button should leave the list, not walk it.
export function go(page, id, replace = false) {
  const target = href(page, id);
  if (replace) history.replaceState(null, "", target);
  else history.pushState(null, "", target);
  route.value = parse();
}

addEventListener("popstate", () => (route.value = parse()));
