/** What the views of the geometry share: map, window, shift, policy and token, their controls, and how cells look. */
explorer.sizes = (() => {
  const { html, t, unique, gap } = explorer.elements, { stepper, list } = explorer.controls;
  const { whole, pair, one } = explorer.link;
  const MOST = { side: 20, window: 10 };               // tokens

  /** The fields of a state; a function, since the policies are read from the page's data. */
  const fields = () => ({
    map: pair(1, MOST.side, [8, 8]), window: whole(1, MOST.window, 4), shift: whole(0, MOST.window - 1, 2),
    policy: one(Object.keys(explorer.data.policies), "torchvision"), token: pair(0, MOST.side - 1, [1, 1]),
  });

  /** A state in which the shift is smaller than the window and the token lies on the map. */
  function normalise(state) {
    return { ...state, shift: Math.min(state.shift, state.window - 1),
             token: state.token.map((place, axis) => Math.min(place, state.map[axis] - 1)) };
  }

  /** The controls of the sizes. */
  function controls(change) {
    let now = null;
    const side = (axis) => stepper(t(axis ? "sizes.width" : "sizes.height"), [1, MOST.side], (value) =>
      change({ map: now.map.map((old, i) => (i === axis ? value : old)) }));
    const height = side(0), width = side(1);
    const window = stepper(t("sizes.window"), [1, MOST.window], (value) => change({ window: value }));
    const shift = stepper(t("sizes.shift"), [0, MOST.window - 1], (value) => change({ shift: value }));
    const policy = list(t("sizes.policy"), Object.fromEntries(
      Object.keys(explorer.data.policies).map((name) => [name, name])), (value) => change({ policy: value }));
    const summary = html("summary"), wide = matchMedia("(min-width: 46rem)").matches;
    return {
      node: html("details", { class: "sizes", open: wide }, summary,
                 html("div", { class: "controls" }, [height, width, window, shift, policy].map(({ node }) => node))),
      set(state) {
        now = state;
        summary.textContent = t("sizes.summary", { ...state, map: state.map.join(" × ") });
        height.set(state.map[0]);
        width.set(state.map[1]);
        window.set(state.window);
        shift.set(state.shift, state.window - 1);
        policy.set(state.policy);
      },
    };
  }

  /** The layout of a state; `shifted` false for regular windows. */
  function layoutOf({ map, window, shift, policy }, shifted = true) {
    const s = shifted ? shift : 0;
    return explorer.windows.layout(map, [window, window], [s, s], explorer.data.policies[policy]);
  }

  /** What the policy did to the sizes, or why it refuses them; null where they fit. */
  function remark(layout, { policy, window, shift }) {
    const size = (sides) => sides.join(" × ");
    if (layout.refused) return t("sizes.refused", { policy, map: size(layout.map), window: size(layout.window) });
    const changed = layout.window.some((m) => m !== window) || layout.shift.some((s) => s !== shift);
    const padded = layout.padded.some((side, axis) => side !== layout.map[axis]);
    const sentences = [
      changed ? t("sizes.in_force", { policy, window: size(layout.window), shift: layout.shift.join(", ") }) : null,
      padded ? t(layout.padsBeforeRoll ? "sizes.padded_first" : "sizes.padded_last",
                 { policy, map: size(layout.map), padded: size(layout.padded) }) : null];
    return sentences.filter(Boolean).join(gap()) || null;
  }

  /** A line for the remark; it is read aloud when it changes. */
  function remarks() {
    const node = html("p", { class: "remark", role: "status" });
    return { node, set(text) { node.textContent = text ?? ""; node.hidden = !text; } };
  }

  /** The number of a state's token. */
  const tokenOf = ({ map, token }) => token[0] * map[1] + token[1];

  /** The place (row, column) of the i-th of a map's tokens. */
  const placeOf = ([, w], i) => [Math.floor(i / w), i % w];

  /** Lines between the windows of a map, [row, column, row, column] each. */
  function borders([h, w], [m, n]) {
    const lines = [];
    for (let row = 0; row <= h; row += m) lines.push([row, 0, row, w]);
    for (let column = 0; column <= w; column += n) lines.push([0, column, h, column]);
    return lines;
  }

  /** Lines between neighbouring tokens of different groups, and around the map. */
  function edges(group, [h, w]) {
    const lines = borders([h, w], [h, w]);
    for (let i = 0; i < h * w; i++) {
      const [row, column] = placeOf([h, w], i);
      if (row > 0 && group[i] !== group[i - w]) lines.push([row, column, row, column + 1]);
      if (column > 0 && group[i] !== group[i - 1]) lines.push([row, column, row + 1, column]);
    }
    return lines;
  }

  /** Rows and columns as a reader counts them, from 0 as the code does. */
  const say = ([row, column]) => t("token.at", { row, column });

  /** A figure with its caption. */
  function figure(caption, node) {
    const id = unique();
    return html("figure", { "aria-labelledby": id }, html("figcaption", { id }, caption), node);
  }

  return { fields, normalise, controls, layoutOf, remark, remarks, tokenOf, placeOf, borders, edges, say, figure };
})();
