/** One token followed: both maps, its keys, its row of the mask, the bias of a key, its place in every reshape. */
explorer.views.token = (() => {
  const { html, t, code, facts } = explorer.elements, { figure, placeOf } = explorer.sizes;
  const { toggle } = explorer.controls;

  const fields = () => ({ ...explorer.sizes.fields(), key: explorer.link.whole(0, 99, 0),
                          mask: explorer.link.flag(true) });

  /** Everything about the chosen token and key. */
  function chosen(layout, state) {
    const token = explorer.sizes.tokenOf(state), query = layout.places[token];
    const [window, position] = explorer.windows.inWindow(layout, query);
    const members = explorer.windows.placesOf(layout, window);
    return { token, query, window, position, members: Array.from(members), key: state.key,
             may: explorer.windows.allowed(layout, query, state.mask),
             index: explorer.windows.relativePositionIndex(layout.window)[position * members.length + state.key] };
  }

  /** Where a place of the rolled map was: its row and column, or a word for padding. */
  const originOf = (layout, place) =>
    (layout.tokens[place] < 0 ? t("token.padding") : placeOf(layout.map, layout.tokens[place]).join(", "));

  function drawBefore(map, layout, state, { query, members, may, key }) {
    const seen = new Map(members.map((place, i) => [place, may[i]])), group = explorer.windows.groups(layout);
    map.draw({ rows: state.map[0], columns: state.map[1], lines: explorer.sizes.edges(group, state.map),
               cells: Array.from(layout.places, (place, i) => {
                 const [row, column] = placeOf(state.map, i), inside = seen.has(place);
                 return { row, column, fill: explorer.colours.position(row, column, state.map),
                          text: layout.regions[place],
                          opacity: seen.get(place) ? 1 : 0.2, hatched: inside && !seen.get(place),
                          strong: seen.get(place), selected: place === query,
                          frame: place === query ? "query" : place === members[key] ? "key" : null,
                          name: t("token.name", { row, column, region: layout.regions[place] }) };
               }) });
  }

  function drawAfter(map, layout, { query, members, may, key }) {
    const seen = new Map(members.map((place, i) => [place, may[i]])), [rows, columns] = layout.padded;
    map.draw({ rows, columns, lines: explorer.sizes.borders(layout.padded, layout.window),
               cells: Array.from(layout.tokens, (token, place) => {
                 const [row, column] = placeOf(layout.padded, place), inside = seen.has(place);
                 const fill = token < 0 ? null : explorer.colours.position(...placeOf(layout.map, token), layout.map);
                 return { row, column, fill, text: layout.regions[place],
                          opacity: seen.get(place) ? 1 : token < 0 ? 0.6 : 0.2, strong: seen.get(place),
                          hatched: inside && !seen.get(place), selected: place === query,
                          frame: place === query ? "query" : place === members[key] ? "key" : null,
                          name: t("token.place_name", { row, column, origin: originOf(layout, place) }) };
               }) });
  }

  /** The query's row of the mask, folded to the window: what each key adds to the score. */
  function drawRow(map, layout, { position, may, key }) {
    const [rows, columns] = layout.window;
    map.draw({ rows, columns, cells: may.map((allowed, i) => {
      const [row, column] = placeOf(layout.window, i), value = allowed ? 0 : explorer.data.mask_value;
      return { row, column, fill: explorer.colours.share(allowed ? 0.05 : 0.85), text: value, selected: i === key,
               frame: i === position ? "query" : i === key ? "key" : null,
               name: t("token.mask_name", { row, column, value }) };
    }) });
  }

  /** The bias table with the cell of the pair, one row of the table for each displacement. */
  function drawTable(map, layout, { index }) {
    const [rows, columns] = layout.window.map((m) => 2 * m - 1);
    map.draw({ rows, columns, mostNumerals: 9, cells: Array.from({ length: rows * columns }, (_, i) => {
      const [row, column] = placeOf([rows, columns], i);
      return { row, column, fill: explorer.colours.share(i === index ? 0.5 : 0.05), text: i, selected: i === index,
               frame: i === index ? "key" : null, name: t("token.table_name", { index: i }) };
    }) });
  }

  /** The token's place in the array of every reshape: name, shape, index. */
  function reshapes(layout, { query, token, window, position, key }) {
    const [[h, w], [H, W], [m, n]] = [layout.map, layout.padded, layout.window];
    const [count, tokens] = explorer.windows.counts(layout);
    const [[r, c], [R, C]] = [placeOf(layout.map, token), placeOf(layout.padded, query)];
    const [a, i, b, j] = [Math.floor(R / m), R % m, Math.floor(C / n), C % n];
    const first = layout.padsBeforeRoll, fits = h === H && w === W;
    const pad = ["np.pad", `(1, ${H}, ${W}, C)`, first ? `[0, ${r}, ${c}]` : `[0, ${R}, ${C}]`];
    const roll = ["np.roll", first ? `(1, ${H}, ${W}, C)` : `(1, ${h}, ${w}, C)`, `[0, ${R}, ${C}]`];
    return [
      ["x", `(1, ${h}, ${w}, C)`, `[0, ${r}, ${c}]`], ...(fits ? [roll] : first ? [pad, roll] : [roll, pad]),
      ["reshape", `(1, ${H / m}, ${m}, ${W / n}, ${n}, C)`, `[0, ${a}, ${i}, ${b}, ${j}]`],
      ["transpose", `(1, ${H / m}, ${W / n}, ${m}, ${n}, C)`, `[0, ${a}, ${b}, ${i}, ${j}]`],
      ["windows", `(${count}, ${m}, ${n}, C)`, `[${window}, ${i}, ${j}]`],
      ["tokens", `(${count}, ${tokens}, C)`, `[${window}, ${position}]`],
      ["q, k, v", `(3, ${count}, heads, ${tokens}, d)`, `[:, ${window}, :, ${position}]`],
      ["scores", `(${count}, heads, ${tokens}, ${tokens})`, `[${window}, :, ${position}, ${key}]`],
      ["mask", `(${count}, ${tokens}, ${tokens})`, `[${window}, ${position}, ${key}]`],
    ];
  }

  const table = (rows) => html("div", { class: "wide" }, html("table", { translate: "no" },
                                                              rows.map(([name, ...cells]) =>
    html("tr", {}, html("th", { scope: "row" }, code(name)), cells.map((cell) => html("td", {}, code(cell)))))));

  /** How the index of the table is computed for the pair, with its numbers. */
  function biasSentence({ window: [m, n] }, { position, key, index }) {
    const [down, right] = [0, 1].map((axis) => placeOf([m, n], position)[axis] - placeOf([m, n], key)[axis]);
    return html("p", { class: "wide", translate: "no" },
                code(`(${down} + ${m} - 1) (2·${n} - 1) + ${right} + ${n} - 1 = ${index}`));
  }

  function build(host, change) {
    const sizes = explorer.sizes.controls(change), remark = explorer.sizes.remarks();
    let now = null, layout = null;
    const before = explorer.tokenMap(t("token.before"), { select: (i) => change({ token: placeOf(now.map, i) }) });
    const after = explorer.tokenMap(t("token.after"), { select: (place) => {
      if (layout.tokens[place] >= 0) change({ token: placeOf(now.map, layout.tokens[place]) });
    } });
    const row = explorer.tokenMap(t("token.row"), { select: (key) => change({ key }) });
    const bias = explorer.tokenMap(t("token.table"), { select: (cell) => {
      const { position, members } = chosen(layout, now), pairs = explorer.windows.relativePositionIndex(layout.window);
      const key = members.findIndex((_, i) => pairs[position * members.length + i] === cell);
      if (key >= 0) change({ key });
    } });
    const mask = toggle(t("fig4.mask"), (on) => change({ mask: on }));
    const text = html("div", { class: "text", "aria-live": "polite" }), sum = html("div"), shapes = html("div");
    const body = html("div", {},
      html("div", { class: "pair" }, figure(t("token.before"), before.node), figure(t("token.after"), after.node)),
      html("p", { class: "hint" }, t("token.legend")), text, html("h3", {}, t("token.key_heading")),
      html("p", {}, t("token.key_text")), mask.node,
      html("div", { class: "pair small" }, figure(t("token.row"), row.node),
           html("div", {}, figure(t("token.table"), bias.node), sum)),
      html("h3", {}, t("token.shapes_heading")), html("p", {}, t("token.shapes_text")), shapes);
    host.append(sizes.node, remark.node, body);
    return function draw(state) {
      now = state;
      layout = explorer.sizes.layoutOf(state);
      sizes.set(state);
      mask.set(state.mask);
      remark.set(explorer.sizes.remark(layout, state));
      body.hidden = layout.refused;
      if (layout.refused) return;
      const all = chosen(layout, state);
      drawBefore(before, layout, state, all);
      drawAfter(after, layout, all);
      drawRow(row, layout, all);
      drawTable(bias, layout, all);
      text.replaceChildren(facts([
        [t("fact.token"), explorer.sizes.say(state.token)],
        [t("fact.rolled"), explorer.sizes.say(placeOf(layout.padded, all.query))],
        [t("fact.window"), String(all.window)], [t("fact.position"), String(all.position)],
        [t("fact.region"), String(layout.regions[all.query])], [t("fact.keys"), String(all.may.filter(Boolean).length)],
        [t("fact.key"), originOf(layout, all.members[all.key])]]));
      sum.replaceChildren(biasSentence(layout, all));
      shapes.replaceChildren(table(reshapes(layout, all)));
    };
  }

  /** A state whose key is in the window. */
  function normalise(given) {
    const state = explorer.sizes.normalise(given), [m, n] = explorer.sizes.layoutOf(state).window;
    return { ...state, key: Math.min(state.key, m * n - 1) };
  }

  return { fields, normalise, shares: "sizes", build };
})();
