/** What attention on one map costs: Eq. 1, Eq. 2, and the keys and values that windows and sliding windows read. */
explorer.attentionCosts = (() => {
  /** Eq. 1: 4 h w C^2 + 2 (h w)^2 C, global attention. */
  const globalMultiplyAdds = (h, w, channels) => 4 * h * w * channels ** 2 + 2 * (h * w) ** 2 * channels;

  /** Eq. 2: 4 h w C^2 + 2 M^2 h w C, attention to M^2 keys, in windows or sliding. */
  const windowMultiplyAdds = (h, w, channels, [m, n]) => 4 * h * w * channels ** 2 + 2 * m * n * h * w * channels;

  /** Bytes of float32 keys and values where all queries of a window read them once; (h, w) is padded to windows. */
  function windowBytes([h, w], channels, [m, n]) {
    return 2 * 4 * channels * Math.ceil(h / m) * m * Math.ceil(w / n) * n;
  }

  /** The same where each query reads its own neighbours on the map; M is odd. */
  function slidingBytes(map, channels, window) {
    const [rows, columns] = map.map((side, axis) => {
      const half = window[axis] >> 1;
      return Array.from({ length: side }, (_, i) => Math.min(i + half, side - 1) - Math.max(i - half, 0) + 1)
        .reduce((a, b) => a + b, 0);
    });
    return 2 * 4 * channels * rows * columns;
  }

  /** The same for global attention: all queries share one key set. */
  const globalBytes = ([h, w], channels) => 2 * 4 * channels * h * w;

  const padded = (side, m) => Math.ceil(side / m) * m;

  /**
   * The three kinds of attention on one map, windows padded where they do not fit.
   * @param {number[]} map (h, w)
   * @param {number} m the window's side, odd
   * @returns {{adds: number[], bytes: number[], scores: number[]}} each for global, window and sliding attention
   */
  function compare([h, w], channels, m) {
    const [H, W] = [padded(h, m), padded(w, m)], window = [m, m];
    return {
      adds: [globalMultiplyAdds(h, w, channels), windowMultiplyAdds(H, W, channels, window),
             windowMultiplyAdds(h, w, channels, window)],
      bytes: [globalBytes([h, w], channels), windowBytes([h, w], channels, window),
              slidingBytes([h, w], channels, window)],
      scores: [(h * w) ** 2, H * W * m * m, h * w * m * m],
    };
  }

  return { globalMultiplyAdds, windowMultiplyAdds, windowBytes, slidingBytes, compare };
})();
