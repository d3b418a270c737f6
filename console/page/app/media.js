// Widths at which the layout changes; rows have another height there, so the code must know what the style sheet knows.
import { signal } from "./lib.js";

function follow(query) {
  const list = matchMedia(query);
  const matches = signal(list.matches);
  list.addEventListener("change", () => (matches.value = list.matches));
  return matches;
}

export const isPhone = follow("(max-width: 719px)");
export const isWide = follow("(min-width: 1280px)");
export const isDark = follow("(prefers-color-scheme: dark)");
