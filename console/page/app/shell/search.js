// The page's search field: "/" comes here, Esc empties it and leaves.
import { html, useRef } from "../lib.js";
import { Icon } from "./icons.js";

export function Search({ value, label, onText }) {
  const field = useRef(null);
  const onKeyDown = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    field.current.value = "";
    onText("");
    field.current.blur();
  };
  return html`<label class="search"><${Icon} name="search" size=${16} />
    <input type="search" ref=${field} data-search data-testid="search" placeholder=${label} aria-label=${label}
      defaultValue=${value} onInput=${(event) => onText(event.target.value.trim().toLowerCase())} onKeyDown=${onKeyDown} />
    <kbd aria-hidden="true">/</kbd></label>`;
}
