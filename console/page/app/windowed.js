// A list that renders only the rows in sight. Rows have one height, so a row's place is its index times that height.
import { html, useEffect, useLayoutEffect, useRef, useState } from "./lib.js";

const SPARE = 12;

// items; rowHeight; row(item, index) -> vnode; head: what stays on top while rows pass under it; reveal: index to bring into sight when it changes;
// start: where to begin, onTop(px): where it is now; onEnd: near the end.
export function Windowed({ items, rowHeight, row, head, reveal = -1, start = 0, onTop, onEnd, label, testid }) {
  const box = useRef(null);
  const [view, setView] = useState({ top: start, height: 800 });
  const printing = usePrinting();

  useLayoutEffect(() => {
    const measure = () => setView((v) => (v.height === box.current.clientHeight ? v : { ...v, height: box.current.clientHeight }));
    const observer = new ResizeObserver(measure);
    observer.observe(box.current);
    measure();
    box.current.scrollTop = start;
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    if (reveal < 0) return;
    const top = reveal * rowHeight;
    const { scrollTop, clientHeight } = box.current;
    if (top < scrollTop) box.current.scrollTop = top;
    else if (top + rowHeight > scrollTop + clientHeight - headHeight(box.current)) box.current.scrollTop = top + rowHeight - clientHeight + headHeight(box.current);
  }, [reveal, rowHeight]);

  const first = printing ? 0 : Math.max(0, Math.floor(view.top / rowHeight) - SPARE);
  const last = printing ? items.length : Math.min(items.length, Math.ceil((view.top + view.height) / rowHeight) + SPARE);
  useEffect(() => {
    if (onEnd && last >= items.length - SPARE) onEnd();
  }, [last, items.length, onEnd]);

  const onScroll = () => {
    const top = box.current.scrollTop;
    onTop?.(top);
    setView((v) => ({ ...v, top }));
  };
  const space = (rows) => html`<div class="space" style=${{ height: `${rows * rowHeight}px` }}></div>`;
  return html`<div class="windowed" ref=${box} onScroll=${onScroll} role="list" aria-label=${label} data-testid=${testid} data-rows=${items.length}>
    ${head}
    ${!printing && first > 0 && space(first)}
    ${items.slice(first, last).map((item, i) => row(item, first + i))}
    ${!printing && last < items.length && space(items.length - last)}
  </div>`;
}

function headHeight(box) {
  return box.querySelector(".head")?.offsetHeight ?? 0;
}

// A printed list is whole.
function usePrinting() {
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    const on = () => setPrinting(true);
    const off = () => setPrinting(false);
    addEventListener("beforeprint", on);
    addEventListener("afterprint", off);
    return () => (removeEventListener("beforeprint", on), removeEventListener("afterprint", off));
  }, []);
  return printing;
}
