// Whether somebody is reading the list: the mouse moves over a row, or the keyboard's focus is on one. A mouse that
// merely lies there (after signing in, or for a while) reads nothing, and must not keep a red row in the pill.
import { useEffect, useRef, useState } from "../lib.js";

const IDLE_MS = 15_000;

// Returns [reading, stop, events]: the events go on the list's element.
export function useReading() {
  const [reading, setReading] = useState(false);
  const timer = useRef(null);
  const focused = useRef(false);
  useEffect(() => () => clearTimeout(timer.current), []);

  const rest = () => {
    clearTimeout(timer.current);
    timer.current = null;
    setReading(focused.current);
  };
  const events = {
    onPointerMove: (event) => {
      if (event.pointerType !== "mouse" || (!event.movementX && !event.movementY)) return; // the page moved, not the hand
      if (!event.target.closest(".row:not(.head)")) return rest();
      clearTimeout(timer.current);
      timer.current = setTimeout(rest, IDLE_MS);
      setReading(true);
    },
    onPointerLeave: rest,
    onFocusIn: (event) => {
      focused.current = event.target.matches(".row:focus-visible");
      if (focused.current) setReading(true);
    },
    onFocusOut: () => {
      focused.current = false;
      if (!timer.current) setReading(false);
    },
  };
  const stop = () => {
    focused.current = false;
    document.activeElement?.blur?.();
    rest();
  };
  return [reading, stop, events];
}
