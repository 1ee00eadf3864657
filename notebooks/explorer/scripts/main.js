/** The page put together: its data read, its views listed, the view of the link shown and drawn at every change. */
explorer.page = (() => {
  const { html, svg, t, gap } = explorer.elements;
  const ORDER = ["fig4", "windows", "token", "reach", "sliding", "network", "model", "cost"];
  const remembered = {};                               // the last values of fields, by what views share or by the view
  const PAUSE = 250;                                   // milliseconds between two addresses: browsers refuse too many
  let current = null;                                  // {name, view, state, draw}
  let told = { hash: "", time: -PAUSE, timer: 0 };     // the last address, when it was written, and what is to come

  const read = (id) => JSON.parse(document.getElementById(id).textContent);

  /** Patterns that all drawings use: hatching for keys that are kept apart, dots for padding. */
  function patterns() {
    return svg("svg", { class: "patterns", "aria-hidden": "true" }, svg("defs", {},
      svg("pattern", { id: "hatch", width: 8, height: 8, patternUnits: "userSpaceOnUse",
                       patternTransform: "rotate(45)" },
          svg("rect", { width: 3, height: 8, class: "hatch" }),
          svg("rect", { x: 4.5, width: 2, height: 8, class: "light hatch" })),        // for dark grounds
      svg("pattern", { id: "padding", width: 8, height: 8, patternUnits: "userSpaceOnUse" },
          svg("rect", { width: 8, height: 8, class: "padding" }),
          svg("circle", { cx: 4, cy: 4, r: 1.5, class: "dot" }))));
  }

  /** Change some fields of the state, draw, and let the address say it. */
  function change(some) {
    current.state = current.view.normalise({ ...current.state, ...some });
    remembered[current.view.shares ?? current.name] = { ...remembered[current.view.shares], ...current.state };
    current.draw(current.state);
    tell();
  }

  /** The link to what is shown. */
  const link = () => explorer.link.write(current.name, current.view.fields(), current.state);

  /** Let the address say what is shown, now or soon; one that the reader has changed meanwhile is left alone. */
  function tell() {
    const wait = told.time + PAUSE - performance.now();
    clearTimeout(told.timer);
    if (wait > 0) told.timer = setTimeout(tell, wait);
    else if (location.hash === told.hash) {
      history.replaceState(null, "", link());
      told = { hash: location.hash, time: performance.now(), timer: 0 };
    }
  }

  /** Show the view of the address; what its link does not say is as it was, or as it begins. */
  function show() {
    const tour = /^#tour(?:,(\d+))?$/.exec(location.hash);
    if (tour) {
      explorer.tour.go(Number(tour[1] ?? 1));
      return;
    }
    told.hash = location.hash;
    const { view: name, given, wrong } = explorer.link.read(location.hash, explorer.views);
    const shown = name ?? ORDER[0], view = explorer.views[shown], fields = view.fields();
    const bare = Object.keys(given).length === 0, before = remembered[view.shares ?? shown] ?? {};
    const start = Object.fromEntries(Object.entries(fields).map(([key, field]) => [
      key, bare && before[key] !== undefined ? before[key] : field.initial]));
    if (current?.name !== shown) {
      const host = html("div", { class: "view" });
      document.getElementById("view").replaceChildren(
        html("h2", {}, t(`${shown}.title`)), html("p", { class: "lead" }, t(`${shown}.lead`)), host);
      current = { name: shown, view, draw: view.build(host, change) };
      for (const link of document.querySelectorAll("nav a")) {
        const here = link.getAttribute("href") === `#${shown}`;
        link.removeAttribute("aria-current");
        if (here) {
          link.setAttribute("aria-current", "page");
          link.scrollIntoView({ block: "nearest", inline: "center" });
        }
      }
      document.title = `${t(`${shown}.title`)} · ${t("page.title")}`;
    }
    current.state = start;
    change(given);
    const changed = Object.keys(given).filter((key) =>
      fields[key].write(given[key]) !== fields[key].write(current.state[key]));
    const notice = document.getElementById("notice"), sentences = [
      wrong.length ? t("page.wrong_link", { parts: wrong.join(", ") }) : "",
      changed.length ? t("page.changed_link", {
        parts: changed.map((key) => `${key}=${fields[key].write(given[key])}`).join(", ") }) : ""];
    notice.textContent = sentences.filter(Boolean).join(gap());
    notice.hidden = notice.textContent === "";
  }

  /** Links to the same view in the other languages. */
  const languages = () => explorer.data.languages.map(({ name, lang, address }) =>
    html("a", { class: "language", href: address, lang, hreflang: lang, translate: "no",
                onclick: ({ target }) => { target.href = address + link(); } }, name));

  /** Make the frame of the page and follow its links. */
  function start() {
    explorer.strings = read("strings");
    explorer.data = read("data");
    const links = ORDER.map((name) => html("a", { href: `#${name}` }, t(`${name}.link`)));
    document.body.append(patterns(),
      html("a", { class: "skip", href: "#view", onclick: (event) => {
        event.preventDefault();
        document.getElementById("view").focus();
      } }, t("page.skip")),
      html("header", {}, html("h1", {}, t("page.name")), languages(), explorer.tour.opener(),
           html("nav", { "aria-label": t("page.views") }, links)),
      html("p", { id: "notice", class: "remark", role: "status", hidden: true }),
      explorer.tour.panel(), html("main", { id: "view", tabindex: -1 }),
      html("footer", {}, html("p", {}, t("page.foot")),
           html("p", {}, html("a", { href: "index.html" }, t("page.walkthrough")))));
    addEventListener("hashchange", show);
    show();
  }

  return { start, change, link };
})();
explorer.page.start();
