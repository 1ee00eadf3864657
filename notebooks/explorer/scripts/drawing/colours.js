/** Colours that the colour-blind tell apart, those of swin_np/plots: of positions, of shares and of signed values. */
explorer.colours = (() => {
  const LUMINANCE = [0.299, 0.587, 0.114];
  const parse = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const named = (name) => parse(explorer.data.palette[name]);
  const blend = (a, b, share) => a.map((value, i) => value * (1 - share) + b[i] * share);
  const css = (rgb) => `rgb(${rgb.map(Math.round).join(" ")})`;

  /** The colour of a place (row, column) of a grid, blended from its four corners; three numbers from 0 to 255. */
  function position(row, column, [h, w]) {
    const down = h > 1 ? row / (h - 1) : 0, right = w > 1 ? column / (w - 1) : 0;
    return blend(blend(named("pale"), named("blue"), down), blend(named("orange"), named("navy"), down), right);
  }

  /** The colour of a share from 0 to 1: pale, blue, navy. */
  function share(value) {
    if (value < 0.5) return blend(named("pale"), named("blue"), 2 * value);
    return blend(named("blue"), named("navy"), 2 * value - 1);
  }

  /** The colour of a value from -1 to 1: blue, pale, vermilion. */
  function signed(value) {
    return blend(named("pale"), named(value < 0 ? "blue" : "vermilion"), Math.min(1, Math.abs(value)));
  }

  /** Black or white, whichever is easier to read on a colour. */
  const inkOn = (rgb) => (rgb.reduce((sum, value, i) => sum + value * LUMINANCE[i], 0) > 128 ? "#000" : "#fff");

  return { position, share, signed, inkOn, css };
})();
