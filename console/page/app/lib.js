// The one place that knows where the vendored libraries are. Everything else imports from here.
import { h, render, Fragment } from "../vendor/preact.js";
import htm from "../vendor/htm.js";

export { h, render, Fragment };
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/hooks.js";
export { batch, computed, effect, signal, useComputed, useSignal, useSignalEffect } from "../vendor/signals.js";

export const html = htm.bind(h);

// A component that reads a signal renders again only for another prop or another signal's value (@preact/signals
// does that), so rows of long lists need no further memo: they all read the language.
