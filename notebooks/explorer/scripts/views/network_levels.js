/** The levels of the live network, from the overview down to one product of two numbers. */
explorer.levels = (() => {
  const { html, t, code } = explorer.elements, { shares, signedValues } = explorer.pictures;
  const { placeOf } = explorer.sizes;
  const digits = (value) => value.toFixed(3).replace("-", "−");

  /** The length of every token's features: (h w, C) -> (h w). */
  function lengths(x, channels) {
    return Array.from({ length: x.length / channels }, (_, token) =>
      Math.hypot(...x.subarray(token * channels, (token + 1) * channels)));
  }

  /** One channel of a map. */
  const channelOf = (x, channels, channel) =>
    Array.from({ length: x.length / channels }, (_, token) => x[token * channels + channel]);

  /** The step of the state's block with the query's token, window and position. */
  function focus(trace, { block, cursor }) {
    const step = trace.blocks[block - 1], { layout } = step.attention, token = cursor
      .map((place) => place >> step.stage).reduce((row, column) => row * step.side + column);
    const [window, position] = explorer.windows.inWindow(layout, layout.places[token]);
    const members = Array.from(explorer.windows.placesOf(layout, window), (place) => layout.tokens[place]);
    return { step, attention: step.attention, token, window, position, members };
  }

  /** The attention of the query in one head, on the whole map (h w). */
  function attentionOf({ attention, window, position, members, step }, head) {
    const { heads, tokens, probabilities } = attention, row = ((window * heads + head) * tokens + position) * tokens;
    const map = new Array(step.side ** 2).fill(0);
    members.forEach((token, key) => { map[token] = probabilities[row + key]; });
    return map;
  }

  /** A picture that leads on when it is pressed. */
  const card = (caption, picture, onclick) =>
    html("button", { type: "button", class: "card", onclick }, picture, html("span", {}, caption));

  const cards = (...all) => html("div", { class: "cards" }, ...all);

  function overview(trace, state, change) {
    const maps = [{ x: trace.embedded, channels: trace.blocks[0].channels, name: t("network.embedded") },
                  ...trace.blocks.map((step, i) => ({ x: step.output, channels: step.channels, block: i + 1,
                                                      name: t("network.block_name", { block: i + 1 }) }))];
    return [html("p", {}, t("network.overview")), cards(maps.map(({ x, channels, name, block }) => {
      const side = Math.sqrt(x.length / channels);
      const picture = shares(lengths(x, channels), side, t("network.lengths", { name }));
      const caption = t("network.card", { name, side, channels });
      return block ? card(caption, picture, () => change({ level: "block", block }))
        : html("div", { class: "card" }, picture, html("span", {}, caption));
    }))];
  }

  function block(trace, state, change) {
    const here = focus(trace, state), { step, attention } = here;
    const heads = [...Array(attention.heads).keys()];
    return [
      html("p", {}, t(attention.layout.shift.some(Boolean) ? "network.block_shifted" : "network.block_regular",
                      { row: state.cursor[0] >> step.stage, column: state.cursor[1] >> step.stage })),
      html("h4", {}, t("network.attention_heading")),
      cards(heads.map((head) => card(t("network.head", { head: head + 1 }),
        shares(attentionOf(here, head), step.side, t("network.attention_of", { head: head + 1 })),
        () => change({ level: "head", head: head + 1 })))),
      html("h4", {}, t("network.bias_heading")),
      cards(heads.map((head) => card(t("network.head", { head: head + 1 }),
        signedValues(channelOf(attention.table, attention.heads, head).map((bias) => (state.bias ? bias : 0)),
                     2 * attention.layout.window[1] - 1, t("network.bias_of", { head: head + 1 })),
        () => change({ level: "head", head: head + 1 })))),
      html("h4", {}, t("network.features_heading", { channels: step.channels })),
      html("div", { class: "cards tiny" }, [...Array(step.channels).keys()].map((channel) =>
        signedValues(channelOf(step.output, step.channels, channel), step.side, t("network.channel", { channel }))))];
  }

  function head(trace, state, change) {
    const here = focus(trace, state), { attention, window, position, members, step } = here;
    const { tokens, heads } = attention;
    const first = (window * heads + state.head - 1) * tokens * tokens;
    const matrix = attention.probabilities.subarray(first, first + tokens * tokens), most = Math.max(...matrix);
    const map = explorer.tokenMap(t("network.matrix"), { select: (cell) => {
      const query = placeOf([step.side, step.side], members[Math.floor(cell / tokens)]);
      change({ cursor: query.map((place) => place << step.stage), key: cell % tokens });
    } });
    map.draw({ rows: tokens, columns: tokens, lines: explorer.sizes.borders([tokens, tokens], [tokens, tokens]),
               cells: Array.from(matrix, (value, i) => {
                 const [row, column] = placeOf([tokens, tokens], i), chosen = row === position && column === state.key;
                 return { row, column, fill: explorer.colours.share(value / most), opacity: row === position ? 1 : 0.55,
                          selected: chosen, frame: chosen ? "key" : null,
                          name: t("network.cell", { query: row, key: column, value: digits(value) }) };
               }) });
    return [html("p", {}, t("network.head_text", { tokens })), map.node,
            explorer.controls.button(t("network.to_softmax", { query: position }), () => change({ level: "softmax" }))];
  }

  function softmax(trace, state, change) {
    const { attention, window, position, members, step } = focus(trace, state), { tokens } = attention;
    const row = explorer.model.scores(attention, window, state.head - 1, position, state);
    const shares = explorer.functional.softmax(row.total), most = Math.max(...shares);
    const columns = ["key", "token", "product", "bias", "mask", "sum", "share"];
    return [html("p", {}, t("network.softmax_text", { query: position })),
            html("div", { class: "wide" }, html("table", { class: "numbers" },
              html("tr", {}, columns.map((name) => html("th", { scope: "col" }, t(`network.column.${name}`)))),
              [...Array(tokens).keys()].map((key) => html("tr", { class: key === state.key ? "chosen" : null },
                html("td", {}, explorer.controls.button(String(key), () => change({ level: "product", key }), {
                  "aria-label": t("network.to_product", { key }) })),
                html("td", {}, placeOf([step.side, step.side], members[key]).join(", ")),
                [row.product, row.bias, row.mask, row.total].map((values) => html("td", {}, digits(values[key]))),
                html("td", {}, digits(shares[key]),
                     html("span", { class: "bar", style: `--share: ${shares[key] / most}` })))))),
            html("p", {}, code("exp(sum) / Σ exp(sum)"))];
  }

  function product(trace, state) {
    const { attention, position, members, window } = focus(trace, state), { d, heads, qkv, scale } = attention;
    const channels = d * heads;
    const key = Math.min(state.key, members.length - 1);
    const at = (token, part, i) => qkv[token * 3 * channels + part * channels + (state.head - 1) * d + i];
    const rows = [...Array(d).keys()].map((i) => [at(members[position], 0, i), at(members[key], 1, i)]);
    const sum = rows.reduce((all, [q, k]) => all + q * k, 0);
    const { product: scaled } = explorer.model.scores(attention, window, state.head - 1, position, state);
    return [html("p", {}, t("network.product_text", { query: position, key, d })),
            html("div", { class: "wide" }, html("table", { class: "numbers", translate: "no" },
              html("tr", {}, ["i", "q", "k", "q · k"].map((name) => html("th", { scope: "col" }, code(name)))),
              rows.map(([q, k], i) => html("tr", {}, html("td", {}, String(i)),
                [q, k, q * k].map((value) => html("td", {}, digits(value))))))),
            html("p", { translate: "no" }, code(`Σ = ${digits(sum)}`)),
            html("p", { translate: "no" },
                 code(`Σ / √${d} = ${digits(sum)} · ${digits(scale)} = ${digits(scaled[key])}`))];
  }

  return { overview, block, head, softmax, product };
})();
