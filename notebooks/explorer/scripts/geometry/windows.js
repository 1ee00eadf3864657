/** Section 3.2: window partition, cyclic shift, regions and mask, as numbers of tokens (Figs. 2 and 4). */
explorer.windows = (() => {
  const PADDING = -1;                                  // the number of a token that was padded

  /**
   * The places of a map, window by window: window_partition of the numbers 0 to H W - 1.
   * @returns {Int32Array} (nW M^2)
   */
  function partition([height, width], [m, n]) {
    const places = new Int32Array(height * width);
    let next = 0;
    for (let top = 0; top < height; top += m) {
      for (let left = 0; left < width; left += n) {
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) places[next++] = (top + i) * width + left + j;
        }
      }
    }
    return places;
  }

  /** The region of every place of the rolled map (H, W): three bands an axis, numbered 0 to 8. @returns {Int32Array} */
  function regionIds([height, width], [m, n], [down, right]) {
    const band = (i, side, window, shift) => (i >= side - window) + (i >= side - shift);
    return Int32Array.from({ length: height * width }, (_, place) =>
      3 * band(Math.floor(place / width), height, m, down) + band(place % width, width, n, right));
  }

  /**
   * Everything about one block on a map: what is padded, where each token goes, which window and region it is in.
   *
   * A token is numbered by its place in the map (h, w), row by row; a place is one in the rolled and padded map (H, W).
   * @returns {{refused: boolean, map: number[], window: number[], shift: number[], padded: number[],
   *   padsBeforeRoll: boolean, tokens: Int32Array, places: Int32Array, regions: Int32Array, windows: Int32Array}}
   *   tokens (H W): the token at each place, -1 for padding; places (h w): the place of each token;
   *   regions (H W): of each place; windows (nW M^2): the places, window by window.
   */
  function layout(map, configuredWindow, configuredShift, policy) {
    const [window, shift] = explorer.shapePolicy.windowAndShift(policy, map, configuredWindow, configuredShift);
    const padsBeforeRoll = explorer.shapePolicy.padsBeforeRoll(policy);
    if (explorer.shapePolicy.refusesMap(policy, map, window)) return { refused: true, map, window, shift };
    const padded = map.map((side, axis) => Math.ceil(side / window[axis]) * window[axis]);
    const rolled = padsBeforeRoll ? padded : map;      // the sides around which the roll goes
    const tokens = new Int32Array(padded[0] * padded[1]).fill(PADDING), places = new Int32Array(map[0] * map[1]);
    for (let i = 0; i < rolled[0]; i++) {
      for (let j = 0; j < rolled[1]; j++) {
        const [row, column] = [(i + shift[0]) % rolled[0], (j + shift[1]) % rolled[1]];
        if (row >= map[0] || column >= map[1]) continue;
        tokens[i * padded[1] + j] = row * map[1] + column;
        places[row * map[1] + column] = i * padded[1] + j;
      }
    }
    return { refused: false, map, window, shift, padded, padsBeforeRoll, tokens, places,
             regions: regionIds(padded, window, shift), windows: partition(padded, window) };
  }

  /** How many windows there are, and how many tokens are in each. @returns {number[]} [nW, M^2] */
  function counts({ padded, window }) {
    return [padded[0] / window[0] * padded[1] / window[1], window[0] * window[1]];
  }

  /** The window of a place, and its position in it, counted row by row. @returns {number[]} [window, position] */
  function inWindow({ padded, window }, place) {
    const row = Math.floor(place / padded[1]), column = place % padded[1];
    const [m, n] = window;
    return [Math.floor(row / m) * (padded[1] / n) + Math.floor(column / n), (row % m) * n + column % n];
  }

  /** The places of one window in the order of its tokens. @returns {Int32Array} (M^2) */
  function placesOf(layout, window) {
    const tokens = layout.window[0] * layout.window[1];
    return layout.windows.subarray(window * tokens, (window + 1) * tokens);
  }

  /** Which keys of its window a query may attend to, in the order of the window's tokens. @returns {boolean[]} (M^2) */
  function allowed(layout, query, masked = true) {
    const [window] = inWindow(layout, query);
    return Array.from(placesOf(layout, window), (key) => !masked || layout.regions[key] === layout.regions[query]);
  }

  /** Tokens that attend to each other have one number, of their window and region. @returns {number[]} (h w) */
  function groups(layout) {
    return Array.from(layout.places, (place) => inWindow(layout, place)[0] * 9 + layout.regions[place]);
  }

  /** The mask of all windows, 1 where query and key are kept apart. @returns {Uint8Array} (nW M^2 M^2) */
  function mask(layout) {
    const [count, tokens] = counts(layout), result = new Uint8Array(count * tokens * tokens);
    layout.windows.forEach((query, i) => {
      allowed(layout, query).forEach((may, key) => { result[i * tokens + key] = may ? 0 : 1; });
    });
    return result;
  }

  /** Eq. 4: the row of the bias table for each pair of positions in a window. @returns {Int32Array} (M^2 M^2) */
  function relativePositionIndex([m, n]) {
    const tokens = m * n;
    return Int32Array.from({ length: tokens * tokens }, (_, pair) => {
      const query = Math.floor(pair / tokens), key = pair % tokens;
      const down = Math.floor(query / n) - Math.floor(key / n), right = query % n - key % n;
      return (down + m - 1) * (2 * n - 1) + right + n - 1;
    });
  }

  return { PADDING, partition, regionIds, layout, counts, inWindow, placesOf, allowed, groups, mask,
           relativePositionIndex };
})();
