// The canvas takes its colours from the style sheet, so light, dark and print are decided in one place.
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: of("ink"), muted: of("muted"), line: of("line"), grid: of("grid"), surface: of("surface"), trace: of("trace"),
    level: [null, 1, 2, 3, 4].map((l) => l && of(`level-${l}`)),
    tint: [null, 1, 2, 3, 4].map((l) => l && of(`level-${l}-tint`)),
    font: `12px ${of("font")}`,
  };
}

// A tile of diagonal strokes for times of which nothing is known.
export function hatch(context, colour, ratio) {
  const size = Math.round(8 * ratio);
  const tile = document.createElement("canvas");
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = ratio;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}
