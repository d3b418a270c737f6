// A frame with what the checks say of it. The scores are small print: they are for whoever tunes the checks.
import { html, useState } from "../lib.js";
import { t, word } from "../i18n.js";
import { fullStamp, number, stamp } from "../format.js";
import { now } from "../clock.js";

export function Faults({ faults }) {
  if (!faults?.length) return html`<span class="fault none">${t("frame.sound")}</span>`;
  return faults.map((f) => html`<span key=${f} class="fault" data-fault=${f}>${word("fault", f)}</span>`);
}

// The image element stays while its source changes, so that a new frame replaces the old one without a flash.
export function FrameImage({ frame }) {
  const [broken, setBroken] = useState("");
  if (broken === frame.sha256) return html`<div class="no-image">${t("frame.no_image")}</div>`;
  const ratio = frame.width && frame.height ? `${frame.width} / ${frame.height}` : "16 / 9";
  return html`<img class="frame-image" src=${`api/frames/${frame.sha256}/image`} style=${{ aspectRatio: ratio }} loading="lazy" decoding="async"
    alt=${t("frame.alt", { camera: frame.camera, at: stamp(frame.at) })} onError=${() => setBroken(frame.sha256)} />`;
}

export function Picture({ frame }) {
  return html`<figure class="picture panel" data-testid="picture">
    <${FrameImage} frame=${frame} />
    <figcaption><${Faults} faults=${frame.faults} /><time title=${fullStamp(frame.at)}>${stamp(frame.at, now.value)}</time>
      <${Scores} scores=${frame.scores} /></figcaption>
  </figure>`;
}

function Scores({ scores }) {
  const pairs = Object.entries(scores ?? {}).filter(([, v]) => typeof v === "number");
  if (!pairs.length) return null;
  return html`<span class="scores">${pairs.map(([k, v]) => `${word("fault", k)} ${number(v, 2)}`).join(" · ")}</span>`;
}
