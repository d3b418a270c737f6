// Keys of the page. A key typed into a field belongs to the field; Esc always leaves it.
import { useEffect, useRef } from "./lib.js";

const stack = [];

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (typing && event.key !== "Escape") return;
  for (let i = stack.length - 1; i >= 0; i -= 1) {
    const act = stack[i].current[event.key];
    if (act && act(event) !== false) {
      event.preventDefault();
      return;
    }
  }
});

// keys: {key: (event) => void | false}; false hands the key on to whoever was there before.
export function useKeys(keys) {
  const holder = useRef(keys);
  holder.current = keys;
  useEffect(() => {
    stack.push(holder);
    return () => stack.splice(stack.indexOf(holder), 1);
  }, []);
}
