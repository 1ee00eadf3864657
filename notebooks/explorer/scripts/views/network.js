/** The live network: a board to be changed, a trained probe that answers at once, and everything inside it. */
explorer.views.network = (() => {
  const { html, t, gap } = explorer.elements, { choice, toggle, button } = explorer.controls;
  const { one, pair, flag, whole } = explorer.link;
  const LEVELS = ["overview", "block", "head", "softmax", "product"];
  const BRUSHES = ["look", "red", "green", "blue", "remove"];
  const ACROSS = "g7x6.g8x9";                          // two marks across the middle of the board
  const decoded = {};                                  // weights and pixels, once

  const fields = () => ({
    task: one(Object.keys(explorer.data.probes), "same"), weights: one(["full", "no_shift", "no_bias"], "full"),
    marks: explorer.board.codec, shift: one(["trained", "on", "off"], "trained"), mask: flag(true), bias: flag(true),
    cursor: pair(0, explorer.data.board.side - 1, [7, 7]), level: one(LEVELS, "overview"),
    block: whole(1, 4, 1), head: whole(1, 4, 1), key: whole(0, 15, 0) });

  /** A state whose head exists in its block. */
  function normalise(state) {
    const { heads, depths } = explorer.data.probe, stage = state.block > depths[0] ? 1 : 0;
    return { ...state, head: Math.min(state.head, heads[stage]) };
  }

  const marksOf = ({ task, marks }) => marks ?? explorer.data.probes[task].examples[0];
  const shiftOf = ({ shift, weights }) => (shift === "trained" ? weights !== "no_shift" : shift === "on");

  /** The forward pass of a state; the same again costs nothing. */
  function traceOf(state) {
    const { task, weights, mask, bias } = state, options = { shift: shiftOf(state), mask, bias };
    const marks = marksOf(state);
    const name = `${task}.${weights}`, key = JSON.stringify([name, options, marks]);
    decoded.pixels ??= explorer.data.pixels.map(explorer.model.decode);
    decoded[name] ??= explorer.model.decodeAll(explorer.data.probes[task].weights[weights]);
    if (decoded.key !== key) {
      decoded.trace = explorer.model.forward(decoded[name], explorer.boards.image(marks, decoded.pixels), options);
      decoded.key = key;
    }
    return decoded.trace;
  }

  /** The bars of the answers, and whether the largest is right. */
  function answer(trace, state) {
    const { answers } = explorer.data.probes[state.task], marks = marksOf(state);
    const right = explorer.boards.answers[state.task](marks);
    const given = trace.probabilities.indexOf(Math.max(...trace.probabilities));
    const verdict = right === null ? "network.no_question" : right === given ? "network.is_right" : "network.is_wrong";
    const say = (i) => t(`answer.${answers[i]}`);
    const words = { given: say(given), right: right === null ? "" : say(right) };
    return [html("ul", { class: "answers" }, answers.map((_, i) => html("li", { class: i === given ? "given" : null },
              html("span", {}, say(i)), html("span", { class: "bar", style: `--share: ${trace.probabilities[i]}` }),
              html("span", { class: "number" }, `${(100 * trace.probabilities[i]).toFixed(1)} %`)))),
            html("p", { class: "strong", role: "status" }, t(verdict, words), gap(),
                 t(explorer.boards.straddles(marks) ? "network.straddles" : "network.one_quadrant"))];
  }

  /** Where the reader is, from the overview down; each part leads back to its level. */
  function crumbs(state, change) {
    const depth = LEVELS.indexOf(state.level);
    return html("ol", { class: "crumbs" }, LEVELS.slice(0, depth + 1).map((level, i) => html("li", {},
      button(t(`network.crumb.${level}`, { block: state.block, head: state.head, key: state.key }),
             () => change({ level }),
             { "aria-current": i === depth ? "step" : null }))));
  }

  function build(host, change) {
    let now = null, brush = 0, example = 0;
    const { side } = explorer.data.board, tile = ([row, column]) => row * side + column;
    decoded.pixels ??= explorer.data.pixels.map(explorer.model.decode);
    const task = choice(t("network.task"), { same: t("network.task.same"), flock: t("network.task.flock") },
                        (value) => { example = 0; change({ task: value, marks: null }); });
    const weights = choice(t("network.weights"), Object.fromEntries(["full", "no_shift", "no_bias"].map((name) =>
      [name, t(`network.weights.${name}`)])), (value) => change({ weights: value, shift: "trained" }));
    const switches = ["shift", "mask", "bias"].map((name) => toggle(t(`network.switch.${name}`), (on) =>
      change({ [name]: name === "shift" ? (on ? "on" : "off") : on })));
    const names = Object.fromEntries(BRUSHES.map((name, i) => [i, t(`network.brush.${name}`)]));
    const brushes = choice(t("network.brush"), names, (value) => { brush = Number(value); });
    brushes.set(0);
    const look = () => ({ marks: marksOf(now), cursor: tile(now.cursor), brush });
    const board = explorer.board.board(decoded.pixels, look, ({ marks = marksOf(now), cursor = tile(now.cursor) }) =>
      change({ marks, cursor: explorer.sizes.placeOf([side, side], cursor) }));
    const next = button(t("network.example"), () => {
      const all = explorer.data.probes[now.task].examples;
      example = (example + 1) % all.length;
      change({ marks: all[example] });
    });
    const across = button(t("network.across"), () =>
      change({ marks: explorer.board.codec.read(ACROSS), cursor: [7, 6] }));
    const answers = html("div", { class: "text" });
    const level = html("section", { class: "level", "aria-label": t("network.inside") });
    const question = html("h3");
    host.append(html("div", { class: "controls" }, task.node, weights.node),
      html("div", { class: "live" }, html("div", { class: "board-side" }, board.node),
        html("div", { class: "tools" }, brushes.node, html("div", { class: "row" }, next, across),
             html("p", { class: "hint" }, t("network.hint"))),
        html("div", { class: "side" },
             html("div", { class: "answer" }, question, answers,
                  html("div", { class: "row" }, switches.map(({ node }) => node))),
             level)));
    return function draw(state) {
      now = state;
      const trace = traceOf(state), { layout } = trace.blocks[state.block - 1].attention;
      const { stage } = trace.blocks[state.block - 1];
      const lines = state.level === "overview" ? [] : explorer.sizes.edges(explorer.windows.groups(layout), layout.map)
        .map((line) => line.map((place) => place << stage));
      task.set(state.task);
      weights.set(state.weights);
      [shiftOf(state), state.mask, state.bias].forEach((on, i) => switches[i].set(on));
      across.hidden = state.task !== "same";
      question.textContent = t(`network.question.${state.task}`);
      board.draw({ marks: marksOf(state), cursor: tile(state.cursor) }, lines);
      answers.replaceChildren(...answer(trace, state));
      const inside = level.contains(document.activeElement), onMap = document.activeElement.matches("svg");
      level.replaceChildren(crumbs(state, change), ...explorer.levels[state.level](trace, state, change));
      if (inside) level.querySelector(onMap ? "svg.tokens" : "[aria-current]")?.focus({ preventScroll: true });
    };
  }

  return { fields, normalise, build };
})();
