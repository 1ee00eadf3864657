/** Elements of the page: made, filled, and named for those who hear it. */
explorer.elements = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  let count = 0;

  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
    }
    element.append(...children.flat().filter((child) => child !== null));
    return element;
  }

  /**
   * An HTML element. An attribute of false, null or undefined is left out; one whose name begins with "on" listens.
   * Children are elements and texts of the table of strings.
   */
  function html(tag, attributes = {}, ...children) {
    return fill(document.createElement(tag), attributes, children);
  }

  /** The same in SVG. */
  function svg(tag, attributes = {}, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
  }

  /** A text of the table of strings with its {places} filled; a name that is not there is an error. */
  function t(name, values = {}) {
    const text = explorer.strings[name];
    if (text === undefined) throw new RangeError(name);
    return text.replace(/\{(\w+)\}/g, (_, place) => {
      if (!(place in values)) throw new RangeError(`${name}:${place}`);
      return values[place];
    });
  }

  /** What is the same in every language: code, symbols, names of the library. */
  const code = (text, attributes = {}) => html("code", { translate: "no", ...attributes }, text);

  /** An id that no other element has. */
  const unique = () => `id${count++}`;

  /** Pairs of a name and its value, as a list of definitions; values are texts or elements. */
  function facts(pairs) {
    return html("dl", { class: "facts" }, pairs.map(([name, value]) =>
      html("div", {}, html("dt", {}, name), html("dd", {}, value))));
  }

  /**
   * Follow one finger, or the mouse with its first button: `touch(event, first)` when it is put on an element, and at
   * every move until it is lifted, also outside the element.
   */
  function follow(element, touch) {
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !event.isPrimary) return;
      element.setPointerCapture(event.pointerId);
      touch(event, true);
    });
    element.addEventListener("pointermove", (event) => {
      if (element.hasPointerCapture(event.pointerId)) touch(event, false);
    });
  }

  /** A whole number as people read it: 4,494,292,224 -> 4.49 G. */
  function short(number) {
    const rounded = Number(number.toPrecision(3));      // 999,700 is 1.00 M
    const unit = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]].find(([size]) => rounded >= size);
    if (!unit) return String(number);
    return `${(rounded / unit[0]).toPrecision(3)} ${unit[1]}`;
  }

  /** What stands between two texts: Chinese punctuation has its own space. */
  const gap = () => (document.documentElement.lang.startsWith("zh") ? "" : " ");

  return { html, svg, t, code, unique, facts, follow, short, gap };
})();
