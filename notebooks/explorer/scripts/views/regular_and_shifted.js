/** Fig. 2: regular windows beside shifted ones on the same map, and which tokens a token meets in each. */
explorer.views.windows = (() => {
  const { html, t, facts } = explorer.elements, { figure } = explorer.sizes;

  function drawMap(map, layout, state) {
    const group = explorer.windows.groups(layout), chosen = explorer.sizes.tokenOf(state);
    map.draw({ rows: state.map[0], columns: state.map[1], lines: explorer.sizes.edges(group, state.map),
               cells: group.map((own, i) => {
                 const [row, column] = explorer.sizes.placeOf(state.map, i), together = own === group[chosen];
                 return { row, column, fill: explorer.colours.position(row, column, state.map),
                          opacity: together ? 1 : 0.2, strong: together, selected: i === chosen,
                          frame: i === chosen ? "query" : null,
                          name: t(together ? "windows.together" : "windows.apart", { row, column }) };
               }) });
    return { members: group.filter((own) => own === group[chosen]).length, groups: new Set(group).size };
  }

  function build(host, change) {
    const sizes = explorer.sizes.controls(change), remark = explorer.sizes.remarks();
    let now = null;
    const select = (i) => change({ token: explorer.sizes.placeOf(now.map, i) });
    const maps = ["regular", "shifted"].map((kind) => explorer.tokenMap(t(`windows.${kind}`), { select }));
    const text = html("div", { class: "text", "aria-live": "polite" });
    const pair = html("div", { class: "pair" }, figure(t("windows.regular"), maps[0].node),
                      figure(t("windows.shifted"), maps[1].node));
    host.append(sizes.node, remark.node, pair, text);
    return function draw(state) {
      now = state;
      sizes.set(state);
      const layouts = [false, true].map((shifted) => explorer.sizes.layoutOf(state, shifted));
      remark.set(explorer.sizes.remark(layouts[1], state));
      pair.hidden = text.hidden = layouts[1].refused;
      if (layouts[1].refused) return;
      const [regular, shifted] = maps.map((map, i) => drawMap(map, layouts[i], state));
      text.replaceChildren(
        html("p", {}, t("windows.text", { regular: regular.groups, shifted: shifted.groups,
                                          count: explorer.windows.counts(layouts[1])[0] })),
        facts([[t("fact.token"), explorer.sizes.say(state.token)],
               [t("windows.met_regular"), String(regular.members)],
               [t("windows.met_shifted"), String(shifted.members)]]));
    };
  }

  return { fields: explorer.sizes.fields, normalise: explorer.sizes.normalise, shares: "sizes", build };
})();
