/** Shifted, not sliding: the key sets of a token and its neighbour, and how often each key is read. */
explorer.views.sliding = (() => {
  const { html, t, facts, short } = explorer.elements, { figure } = explorer.sizes;
  const CHANNELS = 96;                                 // of Swin-T's first stage, for the bytes

  /** The odd window that slides: as large as the one that is shifted, or one larger. */
  const slidingWindow = (window) => window | 1;

  /** The token on the right, or on the left at the border. */
  const neighbour = ([row, column], [, w]) => [row, column + 1 < w ? column + 1 : Math.max(0, column - 1)];

  function drawMap(map, keysOf, state) {
    const { reads, sets } = explorer.keySets.reads(state.map, keysOf), most = Math.max(...reads);
    const number = ([row, column]) => row * state.map[1] + column;
    const query = number(state.token), beside = number(neighbour(state.token, state.map));
    const own = new Set(keysOf(query)), others = new Set(keysOf(beside));
    map.draw({ rows: state.map[0], columns: state.map[1], cells: Array.from(reads, (count, i) => {
      const [row, column] = explorer.sizes.placeOf(state.map, i), [a, b] = [own.has(i), others.has(i)];
      const kind = a && b ? "both" : a ? "first" : b ? "second" : "neither";
      return { row, column, text: count, fill: explorer.colours.share(0.85 * (count - 1) / Math.max(1, most - 1)),
               opacity: kind === "neither" ? 0.25 : 1, strong: kind === "first" || kind === "both",
               hatched: kind === "second", selected: i === query,
               frame: i === query ? "query" : i === beside ? "key" : null,
               name: t(`sliding.${kind}`, { row, column, count }) };
    }) });
    return { sets, read: reads.reduce((a, b) => a + b, 0), shared: [...own].filter((key) => others.has(key)).length,
             own: own.size };
  }

  function build(host, change) {
    const sizes = explorer.sizes.controls(change), remark = explorer.sizes.remarks();
    let now = null;
    const select = (i) => change({ token: explorer.sizes.placeOf(now.map, i) });
    const maps = ["sliding", "shifted"].map((kind) => explorer.tokenMap(t(`sliding.map_${kind}`), { select }));
    const texts = maps.map(() => html("div", { class: "text", "aria-live": "polite" }));
    const pair = html("div", { class: "pair" }, ["sliding", "shifted"].map((kind, i) =>
      html("div", {}, figure(t(`sliding.map_${kind}`), maps[i].node), texts[i])));
    host.append(sizes.node, remark.node, pair, html("p", { class: "hint" }, t("sliding.legend")));
    return function draw(state) {
      now = state;
      sizes.set(state);
      const layout = explorer.sizes.layoutOf(state), m = slidingWindow(state.window);
      remark.set(explorer.sizes.remark(layout, state));
      pair.hidden = layout.refused;
      if (layout.refused) return;
      const bytes = [explorer.attentionCosts.slidingBytes(state.map, CHANNELS, [m, m]),
                     explorer.attentionCosts.windowBytes(state.map, CHANNELS, layout.window)];
      [(query) => explorer.keySets.sliding(state.map, [m, m], query),
       (query) => explorer.keySets.shifted(layout, query)].forEach((keysOf, i) => {
        const { sets, read, shared, own } = drawMap(maps[i], keysOf, state);
        texts[i].replaceChildren(facts([
          [t("sliding.window"), i ? layout.window.join(" × ") : `${m} × ${m}`], [t("sliding.sets"), String(sets)],
          [t("sliding.reads"), String(read)], [t("sliding.shared"), t("sliding.of", { shared, own })],
          [t("sliding.bytes"), t("unit.bytes", { number: short(bytes[i]) })]]));
      });
    };
  }

  return { fields: explorer.sizes.fields, normalise: explorer.sizes.normalise, shares: "sizes", build };
})();
