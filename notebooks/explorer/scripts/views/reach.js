/** How far a token is seen after each block, through stages and mergings, with the shift and without. */
explorer.views.reach = (() => {
  const { html, t, facts } = explorer.elements, { button, slider } = explorer.controls, { figure } = explorer.sizes;
  const DEPTHS = [4, 2, 2];                            // blocks of each stage
  const MOST_STEPS = DEPTHS.reduce((a, b) => a + b, 0) + DEPTHS.length - 1;

  const fields = () => ({ ...explorer.sizes.fields(), map: explorer.link.pair(1, 20, [16, 16]),
                          after: explorer.link.whole(0, MOST_STEPS, 0) });

  function stepsOf(state, shifted) {
    return explorer.reach.steps({
      map: state.map, window: [state.window, state.window], shift: [state.shift, state.shift], depths: DEPTHS,
      policy: explorer.data.policies[state.policy], source: explorer.sizes.tokenOf(state), shifted });
  }

  function drawMap(map, steps, state) {
    const step = steps[Math.min(state.after, steps.length - 1)], [h, w] = step.map;
    const [tokens, height, width] = explorer.reach.extent(step.seen, step.map);
    const lines = step.layout ? explorer.sizes.edges(explorer.windows.groups(step.layout), step.map) : [];
    map.draw({ rows: h, columns: w, lines, cells: Array.from(step.seen, (seen, i) => {
                 const [row, column] = explorer.sizes.placeOf(step.map, i);
                 const source = row === state.token[0] >> step.stage && column === state.token[1] >> step.stage;
                 return { row, column, fill: explorer.colours.share(seen ? 0.5 : 0), opacity: seen ? 1 : 0.4,
                          selected: source, frame: source ? "query" : null,
                          name: t(seen ? "reach.seen" : "reach.unseen", { row, column }) };
               }) });
    return [[t("reach.tokens"), t("reach.of", { tokens, all: h * w })], [t("reach.box"), `${height} × ${width}`]];
  }

  /** What a step is called: where it begins, a merging, or a block of a stage. */
  function nameOf(step, shift) {
    if (step.kind !== "block") return t(`reach.${step.kind}`, { stage: step.stage + 1 });
    return t(step.block % 2 && shift ? "reach.shifted_block" : "reach.regular_block",
             { block: step.block + 1, stage: step.stage + 1 });
  }

  function build(host, change) {
    const sizes = explorer.sizes.controls(change), remark = explorer.sizes.remarks();
    let now = null;
    const select = (i) => {
      const stage = stepsOf(now, true)[now.after].stage;
      const side = now.map.map((whole) => Math.ceil(whole / 2 ** stage));
      change({ token: explorer.sizes.placeOf(side, i).map((place) => place << stage) });
    };
    const maps = [true, false].map((on) => explorer.tokenMap(t(on ? "reach.with" : "reach.without"), { select }));
    const texts = maps.map(() => html("div", { class: "text", "aria-live": "polite" }));
    const back = button(t("reach.back"), () => change({ after: now.after - 1 }));
    const forward = button(t("reach.forward"), () => change({ after: now.after + 1 }));
    const name = html("h3", { "aria-live": "polite" });
    const scrub = slider(t("reach.scrub"), [0, MOST_STEPS, 1], (step) => t("reach.step", { step }),
                         (after) => change({ after }));
    const pair = html("div", { class: "pair" }, maps.map((map, i) =>
      html("div", {}, figure(t(i ? "reach.without" : "reach.with"), map.node), texts[i])));
    host.append(sizes.node, remark.node, html("div", { class: "scrub" }, back, scrub.node, forward), name, pair);
    return function draw(state) {
      const all = [true, false].map((shifted) => stepsOf(state, shifted)), last = all[0].length - 1;
      now = state;
      sizes.set(now);
      scrub.set(now.after);
      back.disabled = now.after === 0;
      forward.disabled = now.after === last;
      const { map } = all[0][last];
      remark.set(last < MOST_STEPS ? t("reach.refused", { policy: state.policy, map: map.join(" × ") }) : null);
      name.textContent = nameOf(all[0][now.after], state.shift);
      all.forEach((steps, i) => texts[i].replaceChildren(facts(drawMap(maps[i], steps, now))));
    };
  }

  /** A state that goes no further than there are steps: a shape policy may refuse. */
  function normalise(given) {
    const state = explorer.sizes.normalise(given);
    return { ...state, after: Math.min(state.after, stepsOf(state, true).length - 1) };
  }

  return { fields, normalise, shares: "sizes", build };
})();
