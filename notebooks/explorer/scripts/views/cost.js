/** Eq. 1 and 2 drawn: what global, window and sliding attention cost while the image grows; the size is dragged. */
explorer.views.cost = (() => {
  const { html, svg, t, follow, short, gap } = explorer.elements, { slider, choice } = explorer.controls;
  const { whole, one } = explorer.link;
  const KINDS = ["global", "window", "sliding"], MEASURES = ["adds", "bytes", "scores"];
  const [LEAST, MOST, STEP] = [56, 1792, 4];           // pixels of the image's side
  const WIDTH = 400, HEIGHT = 300, LEFT = 46, RIGHT = 18, TOP = 10, BOTTOM = 34;

  const fields = () => ({ image: whole(LEAST, MOST, 224), stage: whole(1, 4, 1), measure: one(MEASURES, "adds") });

  /** The costs of a stage of Swin-T for a square image: for global, window and sliding attention. */
  function costsAt(image, { stage, measure }) {
    const config = explorer.data.variants.swin_t, map = explorer.costs.mapSizes(config, [image, image])[stage - 1];
    return explorer.attentionCosts.compare(map, config.channels * 2 ** (stage - 1), config.window[0])[measure];
  }

  /** A quotient as people read it: three digits, and all that stand before the point. */
  const quotient = (a, b) => (a / b >= 100 ? (a / b).toFixed(0) : (a / b).toPrecision(3));

  /** Logarithmic scales: image and cost to places in the drawing. */
  function scales(state) {
    const sizes = Array.from({ length: 61 }, (_, i) => Math.round(LEAST * (MOST / LEAST) ** (i / 60) / STEP) * STEP);
    const rows = sizes.map((image) => costsAt(image, state)), all = rows.flat();
    const [low, high] = [Math.floor(Math.log10(Math.min(...all))), Math.ceil(Math.log10(Math.max(...all)))];
    const x = (image) => LEFT + (WIDTH - LEFT - RIGHT) * Math.log(image / LEAST) / Math.log(MOST / LEAST);
    const y = (cost) => TOP + (HEIGHT - TOP - BOTTOM) * (high - Math.log10(cost)) / (high - low);
    return { sizes, rows, low, high, x, y };
  }

  function drawChart(chart, state) {
    const { sizes, rows, low, high, x, y } = scales(state), here = costsAt(state.image, state);
    const text = (at, words, more) => svg("text", { x: at[0], y: at[1], ...more }, words);
    const grid = [];
    for (let power = low; power <= high; power++) {
      grid.push(svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(10 ** power), y2: y(10 ** power) }),
                text([LEFT - 5, y(10 ** power) + 4], short(10 ** power).replace(/\.0+(?= )/, ""),
                     { "text-anchor": "end" }));
    }
    for (const image of [56, 112, 224, 448, 896, 1792]) {
      grid.push(svg("line", { class: "grid", x1: x(image), x2: x(image), y1: TOP, y2: HEIGHT - BOTTOM }),
                text([x(image), HEIGHT - BOTTOM + 14], String(image), { "text-anchor": "middle" }));
    }
    const lines = KINDS.map((kind, i) => svg("polyline", {
      class: `series ${kind}`, points: sizes.map((image, at) => `${x(image)},${y(rows[at][i])}`).join(" ") }));
    const marks = KINDS.map((kind, i) => svg("circle", {
      class: `series ${kind}`, cx: x(state.image), cy: y(here[i]), r: 5 }));
    const axis = text([(LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4], t("cost.axis"), { "text-anchor": "middle" });
    const marker = svg("line", {
      class: "marker", x1: x(state.image), x2: x(state.image), y1: TOP, y2: HEIGHT - BOTTOM });
    chart.replaceChildren(...grid, axis, marker, ...lines, ...marks);
  }

  function build(host, change) {
    const chart = svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
                               "aria-label": t("cost.chart") });
    follow(chart, (event) => {
      const box = chart.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * WIDTH;
      const share = Math.min(1, Math.max(0, (x - LEFT) / (WIDTH - LEFT - RIGHT)));
      change({ image: Math.round(LEAST * (MOST / LEAST) ** share / STEP) * STEP });
    });
    const image = slider(t("cost.image"), [LEAST, MOST, STEP], (value) => t("unit.square", { number: value }),
                         (value) => change({ image: value }));
    const names = Object.fromEntries(MEASURES.map((name) => [name, t(`cost.measure.${name}`)]));
    const measure = choice(t("cost.measure"), names, (value) => change({ measure: value }));
    const stage = choice(t("cost.stage"), { 1: "1", 2: "2", 3: "3", 4: "4" },
                         (value) => change({ stage: Number(value) }));
    const text = html("div", { class: "text", "aria-live": "polite" });
    host.append(html("div", { class: "controls" }, measure.node, stage.node),
                html("div", { class: "beside" }, html("div", { class: "figure" }, chart, image.node), text));
    return function draw(state) {
      image.set(state.image);
      measure.set(state.measure);
      stage.set(state.stage);
      drawChart(chart, state);
      const config = explorer.data.variants.swin_t, costs = costsAt(state.image, state);
      const channels = config.channels * 2 ** (state.stage - 1);
      const map = explorer.costs.mapSizes(config, [state.image, state.image])[state.stage - 1];
      const equations = KINDS.map((kind) => {
        const node = html("div", { class: "wide", translate: "no" });
        node.innerHTML = explorer.data.parts[kind].equation;
        return node;
      });
      text.replaceChildren(
        html("p", {}, t("cost.map", { map: map.join(" × "), channels })),
        ...KINDS.map((kind, i) => html("div", { class: "entry" }, html("p", {}, html("span", { class: `key ${kind}` }),
          html("strong", {}, t(`cost.${kind}`)), gap(), t(`cost.number.${state.measure}`, { number: short(costs[i]) })),
          state.measure === "adds" ? equations[i] : null)),
        html("p", { class: "strong" }, t("cost.ratio", {
          ratio: quotient(costs[0], costs[1]), sliding: quotient(costs[2], costs[1]) })),
        html("p", {}, t(`cost.${state.measure}_text`)));
    };
  }

  return { fields, normalise: (state) => state, build };
})();
