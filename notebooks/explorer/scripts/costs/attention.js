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

  /** The same where every query reads every key. */
  const globalBytes = (h, w, channels) => 2 * 4 * channels * (h * w) ** 2;

  return { globalMultiplyAdds, windowMultiplyAdds, windowBytes, slidingBytes, globalBytes };
})();
