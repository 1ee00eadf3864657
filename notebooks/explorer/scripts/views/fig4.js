/** Fig. 4 step by step: the map, rolled, cut into windows, attended, put together, rolled back; scrubbed both ways. */
explorer.views.fig4 = (() => {
  const { html, t, code, facts } = explorer.elements, { button, toggle, slider } = explorer.controls;
  const STEPS = ["map", "roll", "partition", "attend", "reverse", "back"], ATTEND = 3;
  const GAP = 0.7, MILLISECONDS = 700;                 // between windows, in tokens; of the way from step to step

  const fields = () => ({ ...explorer.sizes.fields(), step: explorer.link.number(0, 5, 0),
                          mask: explorer.link.flag(true) });

  /**
   * Where a cell is at a step, 0 to 5, on its way from the map to its place in the rolled map and back.
   *
   * The way of the roll is a share of the shift; what leaves at the top or left fades, and comes back at the other end.
   * @param {number[]} original its row and column in the map
   * @param {number[]} rolled the same in the rolled map
   * @returns {{row: number, column: number, fade: number}} fade: 1 where all of it is there
   */
  function journey(original, rolled, { shift, window }, step) {
    const share = Math.min(1, step, 5 - step), apart = Math.min(1, Math.max(0, step - 1), Math.max(0, 4 - step));
    const wraps = original.some((side, axis) => side - rolled[axis] !== shift[axis]);
    const leaves = !wraps || share < 0.5;
    const [row, column] = rolled.map((side, axis) => (share < 1
      ? (leaves ? original[axis] - share * shift[axis] : side + (1 - share) * shift[axis])
      : side + apart * Math.floor(side / window[axis]) * GAP));
    return { row, column, fade: wraps && share < 1 ? Math.abs(1 - 2 * share) : 1 };
  }

  /** How much of the padding is there at a step: where the policy pads first all of it until the last step. */
  const paddingThere = ({ padsBeforeRoll }, step) =>
    (padsBeforeRoll ? Math.min(1, 5 - step) : Math.min(1, Math.max(0, step - 1), Math.max(0, 4 - step)));

  function cellsOf(layout, state) {
    const { step } = state, chosen = explorer.sizes.tokenOf(state), query = layout.places[chosen];
    const attention = Math.max(0, 1 - Math.abs(step - ATTEND)), [window] = explorer.windows.inWindow(layout, query);
    const members = explorer.windows.placesOf(layout, window);
    const may = explorer.windows.allowed(layout, query, state.mask);
    const keys = new Set(members.filter((_, i) => may[i])), inside = new Set(members);
    const look = (place) => ({ opacity: keys.has(place) ? 1 : 1 - 0.8 * attention,
                               hatched: attention > 0.5 && inside.has(place) && !keys.has(place),
                               strong: attention > 0.5 && keys.has(place) });
    const tokens = Array.from(layout.places, (place, token) => {
      const at = explorer.sizes.placeOf(layout.map, token), rolled = explorer.sizes.placeOf(layout.padded, place);
      return { ...journey(at, rolled, layout, step), line: Math.floor(place / layout.padded[1]),
               fill: explorer.colours.position(...at, layout.map),
               text: layout.regions[place], selected: token === chosen, frame: token === chosen ? "query" : null,
               name: t("token.name", { row: at[0], column: at[1], region: layout.regions[place] }), token,
               ...look(place) };
    });
    const padding = [...layout.tokens.keys()].filter((place) => layout.tokens[place] < 0).map((place) => {
      const rolled = explorer.sizes.placeOf(layout.padded, place), shown = look(place);
      const before = layout.padsBeforeRoll
        ? rolled.map((side, axis) => (side + layout.shift[axis]) % layout.padded[axis]) : rolled;
      const way = layout.padsBeforeRoll ? layout : { ...layout, shift: [0, 0] };
      return { ...journey(before, rolled, way, step), line: Math.floor(place / layout.padded[1]),
               name: t("token.padding"), ...shown, strong: false,
               opacity: Math.max(0.6, shown.opacity) * paddingThere(layout, step) };
    });
    return [...tokens, ...padding.filter(({ opacity }) => opacity > 0)];
  }

  function build(host, change) {
    const sizes = explorer.sizes.controls(change), remark = explorer.sizes.remarks();
    let now = null, frame = 0, said = "";
    const map = explorer.tokenMap(t("fig4.map"), { select: (i) => {
      if (i < now.map[0] * now.map[1]) change({ token: explorer.sizes.placeOf(now.map, i) });
    } });
    /** Go to a step, in small steps unless the reader wants no movement. */
    function go(target) {
      cancelAnimationFrame(frame);
      const from = now.step, begin = performance.now();
      let reached = from;
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) return change({ step: target });
      const length = MILLISECONDS * Math.max(1, Math.abs(target - from));
      const next = (time) => {
        if (!host.isConnected || now.step !== reached) return;            // the reader went elsewhere
        const share = Math.min(1, Math.max(0, (time - begin) / length));
        reached = from + (target - from) * share;
        change({ step: reached });
        if (share < 1) frame = requestAnimationFrame(next);
      };
      return next(begin);
    }
    const back = button(t("fig4.back"), () => go(Math.max(0, Math.ceil(now.step) - 1)));
    const forward = button(t("fig4.forward"), () => go(Math.min(5, Math.floor(now.step) + 1)));
    const scrub = slider(t("fig4.scrub"), [0, 5, 0.05], (step) => t(`fig4.${STEPS[Math.round(step)]}.name`),
                         (step) => change({ step }));
    const steps = STEPS.map((name, i) => button(t(`fig4.${name}.name`), () => go(i)));
    const mask = toggle(t("fig4.mask"), (on) => change({ mask: on }));
    const text = html("div", { class: "text", "aria-live": "polite" }), figure = html("div", { class: "figure" });
    figure.append(map.node, html("div", { class: "scrub" }, back, scrub.node, forward));
    const body = html("div", {}, html("ol", { class: "steps" }, steps.map((step) => html("li", {}, step))),
                      html("div", { class: "beside" }, figure, html("div", {}, text, mask.node)));
    host.append(sizes.node, remark.node, body);
    return function draw(state) {
      now = state;
      const layout = explorer.sizes.layoutOf(state), nearest = Math.round(state.step);
      sizes.set(state);
      remark.set(explorer.sizes.remark(layout, state));
      body.hidden = layout.refused;
      if (layout.refused) return;
      scrub.set(state.step);
      mask.set(state.mask);
      back.disabled = state.step <= 0;
      forward.disabled = state.step >= 5;
      steps.forEach((step, i) => step.setAttribute("aria-current", i === nearest ? "step" : "false"));
      drawMap(map, layout, state);
      const toSay = JSON.stringify({ ...state, step: nearest });          // not again in every frame
      if (toSay !== said) text.replaceChildren(...sentences(layout, state, STEPS[nearest]));
      said = toSay;
    };
  }

  function drawMap(map, layout, state) {
    const { step } = state, [down, right] = layout.shift, [h, w] = layout.padsBeforeRoll ? layout.padded : layout.map;
    const gaps = layout.padded.map((side, axis) => side + (side / layout.window[axis] - 1) * GAP);
    const whole = [1, 4].includes(step), torn = step === 0 || step === 5;
    map.draw({ rows: gaps[0], columns: gaps[1], mostNumerals: 16, cells: cellsOf(layout, state),
               lines: whole ? explorer.sizes.borders(layout.padded, layout.window) : [],
               seams: torn ? [...(down ? [[down, 0, down, w]] : []), ...(right ? [[0, right, h, right]] : [])] : [] });
  }

  function sentences(layout, state, step) {
    const query = layout.places[explorer.sizes.tokenOf(state)], [window] = explorer.windows.inWindow(layout, query);
    const keys = (masked) => explorer.windows.allowed(layout, query, masked).filter(Boolean).length;
    const [count] = explorer.windows.counts(layout), [down, right] = layout.shift;
    const lines = { map: null, roll: `np.roll(x, (${-down}, ${-right}), axis=(1, 2))`,
                    partition: `window_partition(x, (${layout.window.join(", ")}))`,
                    attend: "softmax(q k^T / sqrt(d) + B + mask) v", reverse: "window_reverse(windows, map_size)",
                    back: `np.roll(x, (${down}, ${right}), axis=(1, 2))` };
    return [html("h3", {}, t(`fig4.${step}.name`)),
            html("p", {}, t(`fig4.${step}.text`, { count, down, right })),
            lines[step] ? html("pre", {}, code(lines[step])) : "",
            step === "attend" ? html("p", { class: "strong" }, t(state.mask ? "fig4.masked" : "fig4.unmasked", {
              keys: keys(true), wrong: keys(false) - keys(true) })) : "",
            facts([[t("fact.token"), explorer.sizes.say(state.token)], [t("fact.window"), String(window)],
                   [t("fact.region"), String(layout.regions[query])], [t("fact.keys"), String(keys(state.mask))]])];
  }

  return { fields, normalise: explorer.sizes.normalise, shares: "sizes", build };
})();
