/** What happens where sizes do not fit: the decisions of swin_np/shape_policy.py, read from the library's own table. */
explorer.shapePolicy = (() => {
  /**
   * The window and shift in force on a map.
   * @param {{one_window: string}} policy one row of the library's table
   * @param {number[]} map (h, w)
   * @param {number[]} window (m, n), the configured one
   * @param {number[]} shift (down, right), the configured one
   * @returns {number[][]} [window, shift]
   */
  function windowAndShift(policy, map, window, shift) {
    const covered = map.map((side, axis) => side <= window[axis]);
    if (policy.one_window === "shift" || !covered.includes(true)) return [window, shift];
    if (policy.one_window === "clamp both") {
      const side = Math.min(...map);
      return [[side, side], [0, 0]];
    }
    const stopped = shift.map((s, axis) => (covered[axis] ? 0 : s));
    const clamped = policy.one_window === "clamp each";
    return [clamped ? window.map((m, axis) => Math.min(m, map[axis])) : window, stopped];
  }

  /** Whether the policy refuses a map (h, w) that is no multiple of the window in force (m, n). */
  function refusesMap(policy, map, window) {
    return policy.window === "refuse" && map.some((side, axis) => side % window[axis] !== 0);
  }

  /** Whether the policy refuses to merge a map (h, w) because a side is odd. */
  function refusesMerging(policy, map) {
    return policy.merging === "refuse" && map.some((side) => side % 2 === 1);
  }

  /** Whether a map that is no multiple of the window is padded before the cyclic shift, not after it. */
  function padsBeforeRoll(policy) {
    return policy.window !== "roll then pad";
  }

  return { windowAndShift, refusesMap, refusesMerging, padsBeforeRoll };
})();
