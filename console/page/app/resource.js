// Something read from the API and kept fresh. While it is read again, and when that fails, what is there stays.
import { useEffect, useRef, useState } from "./lib.js";
import { get } from "./api.js";

// path: null reads nothing. every: ms between readings, 0 for once. Returns {data, error, reload, at}.
export function useResource(path, every = 0) {
  const [state, setState] = useState({ path: null, data: null, error: null, at: 0 });
  const reload = useRef(() => {});
  useEffect(() => {
    if (!path) return undefined;
    let over = false;
    let timer = null;
    const read = async () => {
      clearTimeout(timer);
      try {
        const data = await get(path);
        if (!over) setState({ path, data, error: null, at: performance.now() });
      } catch (error) {
        if (!over) setState((old) => ({ ...(old.path === path ? old : { data: null, at: 0 }), path, error }));
      }
      if (!over && every) timer = setTimeout(document.hidden ? wait : read, every);
    };
    const wait = () => (timer = setTimeout(document.hidden ? wait : read, 1000)); // nobody looks: ask nothing
    reload.current = read;
    read();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [path, every]);
  const mine = state.path === path;
  return { data: mine ? state.data : null, error: mine ? state.error : null, at: state.at, reload: () => reload.current() };
}
