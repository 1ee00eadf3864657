/** A map of tokens to be touched: an SVG that a finger, a mouse and the arrow keys move about in. */
explorer.tokenMap = (() => {
  const { svg, unique, follow } = explorer.elements, { css, inkOn } = explorer.colours;
  const UNIT = 40;                                     // of the drawing, a token's side
  const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const MOST_NUMERALS = 12;                            // on maps of more rows or columns numerals would be too small

  /** A frame around one cell, edged so that it is seen on any ground. */
  function frame({ row, column }, kind) {
    const box = { x: column * UNIT, y: row * UNIT, width: UNIT, height: UNIT };
    return svg("g", { class: `frame ${kind}` }, svg("rect", { ...box, class: "halo" }), svg("rect", box));
  }

  function drawCell(cell, numerals, id) {
    const { row, column, fill, text, name, opacity = 1, hatched, selected, strong, fade = 1 } = cell;
    const place = { x: column * UNIT, y: row * UNIT, width: UNIT, height: UNIT };
    const middle = { x: (column + 0.5) * UNIT, y: (row + 0.5) * UNIT };
    return svg("g", { id, role: "gridcell", "aria-label": name, "aria-selected": String(Boolean(selected)),
                      opacity: fill ? fade : fade * opacity },
      svg("rect", { ...place, fill: fill ? css(fill) : "url(#padding)", "fill-opacity": fill ? opacity : 1,
                    class: strong ? "cell strong" : "cell" }),
      hatched ? svg("rect", { ...place, fill: "url(#hatch)", class: "hatched" }) : null,
      numerals && text !== undefined
        ? svg("text", { ...middle, fill: fill && opacity > 0.5 ? inkOn(fill) : "currentColor",
                         class: String(text).length > 3 ? "long numeral" : "numeral" },
              String(text)) : null);
  }

  /**
   * An empty map with a name for those who hear it.
   * @param {string} label
   * @param {{select?: (i: number) => void, press?: (i: number) => void, move?: (i: number) => void,
   *   key?: (name: string, i: number) => boolean}} on what is done when a cell is chosen by a touch or an arrow key;
   *   `press` and `move` take the place of `select` for a pointer, `key` for keys that it returns true for
   * @returns {{node: Element, draw: (spec: object) => void}} spec: {rows, columns, cells, lines, seams}: cells are
   *   {row, column, fill, text, name, opacity, fade, hatched, strong, selected, frame, line}, where `line` is the row
   *   in which the cell is read aloud; lines are [row, column, row, column]
   */
  function tokenMap(label, on) {
    const id = unique();
    let cells = [];
    const node = svg("svg", { class: "tokens", role: "grid", tabindex: 0, "aria-label": label });
    const selected = () => cells.findIndex((cell) => cell.selected);
    const at = (event) => {
      const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(node.getScreenCTM().inverse());
      const row = place.y / UNIT, column = place.x / UNIT;
      return cells.findIndex((cell) =>
        row >= cell.row && row < cell.row + 1 && column >= cell.column && column < cell.column + 1);
    };
    follow(node, (event, first) => {
      const i = at(event);
      if (i >= 0) (first ? on.press ?? on.select : on.move ?? on.select)(i);
    });
    node.addEventListener("keydown", (event) => {
      const from = cells[selected()], way = ARROWS[event.key];
      if (on.key?.(event.shiftKey ? `Shift ${event.key}` : event.key, selected())) return event.preventDefault();
      if (!way || !from) return undefined;
      event.preventDefault();
      const next = nearest(from, way);
      return next >= 0 ? on.select(next) : undefined;
    });

    /** The next cell in a direction; across a gap between windows too. */
    function nearest(from, [down, right]) {
      let best = -1, least = Infinity;
      cells.forEach((cell, i) => {
        const along = (cell.row - from.row) * down + (cell.column - from.column) * right;
        const aside = Math.abs((cell.row - from.row) * right) + Math.abs((cell.column - from.column) * down);
        if (along > 0.5 && aside < 0.5 && along < least) [best, least] = [i, along];
      });
      return best;
    }

    function draw(spec) {
      cells = spec.cells;
      const numerals = Math.max(spec.rows, spec.columns) <= (spec.mostNumerals ?? MOST_NUMERALS), edge = 6;
      node.setAttribute("viewBox",
                        `${-edge} ${-edge} ${spec.columns * UNIT + 2 * edge} ${spec.rows * UNIT + 2 * edge}`);
      const rows = new Map();
      cells.forEach((cell, i) => {
        if (!rows.has(cell.line ?? cell.row)) rows.set(cell.line ?? cell.row, svg("g", { role: "row" }));
        rows.get(cell.line ?? cell.row).append(drawCell(cell, numerals, `${id}-${i}`));
      });
      const line = (kind) => ([top, left, bottom, right]) => svg("line", {
        class: kind, x1: left * UNIT, y1: top * UNIT, x2: right * UNIT, y2: bottom * UNIT });
      node.replaceChildren(...rows.values(), ...(spec.lines ?? []).map(line("border")),
                           ...(spec.seams ?? []).map(line("seam")),
                           ...cells.filter((cell) => cell.frame).map((cell) => frame(cell, cell.frame)));
      const chosen = selected();
      if (chosen >= 0) node.setAttribute("aria-activedescendant", `${id}-${chosen}`);
    }
    return { node, draw };
  }

  return tokenMap;
})();
