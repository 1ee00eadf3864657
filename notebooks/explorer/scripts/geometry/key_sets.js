/** Sections 1 and 3.2, shifted, not sliding: which keys a query attends to, and how often each key is read. */
explorer.keySets = (() => {
  /** The tokens around a query on the map (h, w), up to floor(M/2) away; M is odd. @returns {number[]} */
  function sliding([h, w], [m, n], query) {
    const row = Math.floor(query / w), column = query % w, keys = [];
    for (let i = Math.max(0, row - (m >> 1)); i <= Math.min(h - 1, row + (m >> 1)); i++) {
      for (let j = Math.max(0, column - (n >> 1)); j <= Math.min(w - 1, column + (n >> 1)); j++) keys.push(i * w + j);
    }
    return keys;
  }

  /** The tokens that a query attends to in its shifted window; padding is left out. @returns {number[]} */
  function shifted(layout, query, masked = true) {
    const place = layout.places[query], [window] = explorer.windows.inWindow(layout, place);
    const may = explorer.windows.allowed(layout, place, masked);
    return Array.from(explorer.windows.placesOf(layout, window), (key) => layout.tokens[key])
      .filter((token, position) => may[position] && token !== explorer.windows.PADDING);
  }

  /**
   * How often each token is read as a key if queries with the same key set share it.
   * @param {(query: number) => number[]} keysOf
   * @returns {{sets: number, reads: Int32Array}} reads (h w)
   */
  function reads([h, w], keysOf) {
    const distinct = new Map();
    for (let query = 0; query < h * w; query++) {
      const keys = keysOf(query).sort((a, b) => a - b);
      distinct.set(keys.join(), keys);
    }
    const count = new Int32Array(h * w);
    for (const keys of distinct.values()) keys.forEach((key) => { count[key] += 1; });
    return { sets: distinct.size, reads: count };
  }

  return { sliding, shifted, reads };
})();
