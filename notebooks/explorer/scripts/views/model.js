/** The whole of Swin-T, Fig. 3, as a map to zoom in: shapes, parameters, multiply-adds and bytes at any image size. */
explorer.views.model = (() => {
  const { html, t, code, facts, short, gap } = explorer.elements, { list, slider, button } = explorer.controls;
  const { one, pair } = explorer.link;

  const fields = () => ({
    variant: one(Object.keys(explorer.data.variants), "swin_t"), image: pair(32, 1024, [224, 224]),
    box: { initial: "model", write: String,
           read: (text) => (/^[a-z]+\d?(\.[a-z]+\d*)*$/.test(text) ? text : undefined) } });

  const exact = (number) => number.toLocaleString("en-US").replaceAll(",", " ");
  const size = (sides) => sides.join(" × ");
  const nameOf = (box) => (box.code ? code(box.code) : t(`box.${box.name}`, { number: box.number }));

  /** A box to zoom into: what it is, what it gives, what it costs, and its share of the whole in a bar. */
  function boxNode(box, whole, change) {
    const cost = explorer.costs.total(box.layers), share = cost.multiplyAdds / whole.multiplyAdds;
    return html("li", {}, button(nameOf(box), () => change({ box: box.id }), { class: `box ${box.part}` }),
      html("div", { class: "numbers" }, html("span", { class: "shape" }, size(box.shape)),
        html("span", {}, t("model.parameters_short", { number: short(cost.parameters) })),
        html("span", {}, t("model.adds_short", { number: short(cost.multiplyAdds) })),
        html("span", {}, t("unit.bytes", { number: short(cost.bytes) }))),
      html("span", { class: "bar", style: `--share: ${share}` }));
  }

  /** The equation, the numbers, the library's lines and the notebook of a box. */
  function detail(box) {
    const part = explorer.data.parts[box.part], cost = explorer.costs.total(box.layers);
    const equation = html("div", { class: "wide", translate: "no" });
    equation.innerHTML = part.equation;
    return [html("h3", {}, nameOf(box)), html("p", {}, t(`part.${box.part}`)), equation,
      facts([[t("model.shape"), size(box.shape)], [t("model.parameters"), exact(cost.parameters)],
             [t("model.adds"), exact(cost.multiplyAdds)], [t("model.bytes"), exact(cost.bytes)]]),
      html("h4", {}, t("model.sources")),
      part.sources.map((source, i) => html("details", { open: i === 0 && matchMedia("(min-width: 46rem)").matches },
        html("summary", {}, code(`${source.file}:${source.line}`)),
        html("pre", { tabindex: 0, role: "region", translate: "no", "aria-label": source.file }, code(source.text)),
        html("p", {}, html("a", { href: source.page }, t("model.reference"))))),
      html("p", {}, t("model.read_on"), gap(),
           html("a", { href: part.notebook.page, translate: "no" }, part.notebook.name))];
  }

  function build(host, change) {
    let now = null;
    const { variants } = explorer.data;
    const names = Object.fromEntries(Object.keys(variants).map((name) => [name, t(`variant.${name}`)]));
    const variant = list(t("model.variant"), names, (value) =>
      change({ variant: value, image: variants[value].image }));
    const sides = [0, 1].map((axis) => slider(t(axis ? "model.width" : "model.height"), [32, 1024, 4], (value) =>
      t("unit.pixels", { number: value }), (value) =>
      change({ image: now.image.map((old, i) => (i === axis ? value : old)) })));
    const crumbs = html("ol", { class: "crumbs" }), boxes = html("ol", { class: "boxes" });
    const text = html("div", { class: "text" });
    host.append(html("div", { class: "controls" }, variant.node, sides.map(({ node }) => node)), crumbs,
                html("div", { class: "beside model" }, boxes, text));
    return function draw(state) {
      const zoomed = now?.box !== state.box || now?.variant !== state.variant;
      const focused = host.contains(document.activeElement);
      now = state;
      variant.set(state.variant);
      sides.forEach((side, axis) => side.set(state.image[axis]));
      const tree = explorer.boxes.tree(variants[state.variant], state.image);
      const path = explorer.boxes.path(tree, state.box);
      const box = path[path.length - 1], shown = box.parts.length ? box : path[path.length - 2];
      const whole = explorer.costs.total(shown.layers);
      const onBox = focused && document.activeElement.matches(".box, .crumbs button");
      crumbs.replaceChildren(...path.map((each, i) => html("li", {}, button(
        nameOf(each), () => change({ box: each.id }), { "aria-current": i === path.length - 1 ? "step" : null }))));
      boxes.replaceChildren(...shown.parts.map((each) => boxNode(each, whole, change)));
      boxes.classList.toggle("zooming", zoomed);
      [...boxes.children].forEach((each, i) => { if (shown.parts[i] === box) each.classList.add("chosen"); });
      const open = [...text.querySelectorAll("details")].map((each) => each.open);
      text.replaceChildren(...detail(box).flat());
      if (!zoomed) text.querySelectorAll("details").forEach((each, i) => { each.open = open[i]; });
      if (onBox) crumbs.querySelector("[aria-current]").focus({ preventScroll: true });
    };
  }

  /** A state whose box is there: another variant has other blocks. */
  function normalise(state) {
    const tree = explorer.boxes.tree(explorer.data.variants[state.variant], state.image);
    const path = explorer.boxes.path(tree, state.box);
    return { ...state, box: path[path.length - 1].id };
  }

  return { fields, normalise, build };
})();
