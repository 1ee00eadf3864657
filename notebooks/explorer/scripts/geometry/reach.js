/** Section 3.2: where a token is seen after each block, by the real masks, and after each merging. */
explorer.reach = (() => {
  /** One block: a query holds what any of its keys held. @returns {Uint8Array} (h w), as `seen` */
  function spread(seen, layout) {
    const groups = explorer.windows.groups(layout), held = new Set(groups.filter((_, token) => seen[token]));
    return Uint8Array.from(groups, (group) => (held.has(group) ? 1 : 0));
  }

  /** Patch merging: a token of the half map holds what any of its 2x2 held. @returns {Uint8Array} */
  function merge(seen, [h, w]) {
    const [height, width] = [Math.ceil(h / 2), Math.ceil(w / 2)], merged = new Uint8Array(height * width);
    seen.forEach((value, token) => {
      if (value) merged[(Math.floor(token / w) >> 1) * width + ((token % w) >> 1)] = 1;
    });
    return merged;
  }

  /**
   * Every step from a token at the entrance to the end of the last stage, or to where the shape policy refuses.
   * @param {{map: number[], window: number[], shift: number[], policy: object, depths: number[], source: number,
   *   shifted: boolean}} settings `shifted` false makes every block one with regular windows
   * @returns {{kind: string, stage: number, block: number, map: number[], seen: Uint8Array, layout: object}[]}
   */
  function steps({ map, window, shift, policy, depths, source, shifted = true }) {
    let seen = new Uint8Array(map[0] * map[1]);
    seen[source] = 1;
    const all = [{ kind: "start", stage: 0, block: 0, map, seen, layout: null }];
    for (let stage = 0; stage < depths.length; stage++) {
      if (stage > 0) {
        if (explorer.shapePolicy.refusesMerging(policy, map)) return all;
        seen = merge(seen, map);
        map = map.map((side) => Math.ceil(side / 2));
        all.push({ kind: "merging", stage, block: 0, map, seen, layout: null });
      }
      for (let block = 0; block < depths[stage]; block++) {
        const layout = explorer.windows.layout(map, window, shifted && block % 2 ? shift : [0, 0], policy);
        if (layout.refused) return all;
        seen = spread(seen, layout);
        all.push({ kind: "block", stage, block, map, seen, layout });
      }
    }
    return all;
  }

  /** How many tokens see the source, and the height and width of the box around them. @returns {number[]} */
  function extent(seen, [, w]) {
    const tokens = [...seen.keys()].filter((token) => seen[token]);
    const side = (places) => Math.max(...places) - Math.min(...places) + 1;
    return [tokens.length, side(tokens.map((token) => Math.floor(token / w))), side(tokens.map((token) => token % w))];
  }

  return { spread, merge, steps, extent };
})();
