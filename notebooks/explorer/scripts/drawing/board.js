/** The board of a task: marks to be put, recoloured, removed and dragged, by finger, mouse or key. */
explorer.board = (() => {
  const { t } = explorer.elements;
  const LETTERS = ["", "r", "g", "b"];                 // of marks in links
  const NAMES = ["none", "red", "green", "blue"];
  const DELETE = ["Delete", "Backspace"], PUT = [" ", "Enter"];
  const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  /** How marks are written in a link: `r3x4.b5x6`, row and column; null stands for the task's first example. */
  const codec = {
    initial: null,
    write(marks) {
      if (!marks) return "example";
      const { side } = explorer.data.board, placed = [...marks.keys()].filter((i) => marks[i]);
      return placed.map((i) => `${LETTERS[marks[i]]}${Math.floor(i / side)}x${i % side}`).join(".") || "empty";
    },
    read(text) {
      const { side } = explorer.data.board, marks = new Array(side * side).fill(0);
      if (text === "example") return null;
      if (text === "empty") return marks;
      const found = text.split(".").map((item) => /^([rgb])(\d+)x(\d+)$/.exec(item));
      if (!found.every((item) => item && Number(item[2]) < side && Number(item[3]) < side)) return undefined;
      for (const [, letter, row, column] of found) marks[Number(row) * side + Number(column)] = LETTERS.indexOf(letter);
      return marks.filter((mark) => mark).length === found.length ? marks : undefined;    // two marks on one tile
    },
  };

  /** The marks with that of one tile at another. */
  function moved(marks, from, to) {
    const next = [...marks];
    [next[from], next[to]] = [0, marks[from]];
    return next;
  }

  /** The marks with one tile painted: with its own colour, it is emptied. */
  function painted(marks, i, colour) {
    return marks.map((mark, at) => (at === i ? (mark === colour ? 0 : colour) : mark));
  }

  /**
   * A board. `get` gives {marks, cursor: tile, brush: 0 to look, 1 to 3 to put marks, 4 to remove}; `change` takes
   * {marks, cursor}.
   */
  function board(pixels, get, change) {
    let dragged = -1;
    const paint = (i, brush) => painted(get().marks, i, brush === 4 ? get().marks[i] : brush);
    const map = explorer.tokenMap(t("network.board"), {
      select: (cursor) => change({ cursor }),
      press(i) {
        const { marks, brush } = get();
        dragged = marks[i] && brush < 4 && (brush === 0 || brush !== marks[i]) ? i : -1;
        if (dragged >= 0 || brush === 0) change({ cursor: i });
        else change({ cursor: i, marks: paint(i, brush) });
      },
      move(i) {
        const { marks, brush, cursor } = get();
        if (i === cursor) return;
        if (dragged < 0) {
          if (brush === 0) change({ cursor: i });
        } else if (!marks[i]) {
          change({ cursor: i, marks: moved(marks, dragged, i) });
          dragged = i;
        }
      },
      key(name, i) {
        const { marks, brush } = get(), { side } = explorer.data.board, way = ARROWS[name.replace("Shift ", "")];
        if (PUT.includes(name) && brush) change({ marks: paint(i, brush) });
        else if (DELETE.includes(name)) change({ marks: marks.map((mark, at) => (at === i ? 0 : mark)) });
        else if (name.startsWith("Shift ") && way && marks[i]) {
          const row = Math.floor(i / side) + way[0], column = i % side + way[1], to = row * side + column;
          if (row < 0 || row >= side || column < 0 || column >= side || marks[to]) return true;
          change({ marks: moved(marks, i, to), cursor: to });
        } else return false;
        return true;
      },
    });
    map.node.classList.add("board");

    function draw({ marks, cursor }, lines) {
      const { side } = explorer.data.board, half = side / 2;
      map.draw({ rows: side, columns: side, mostNumerals: side, lines,
                 seams: [[half, 0, half, side], [0, half, side, half]], cells: marks.map((mark, i) => {
                   const [row, column] = [Math.floor(i / side), i % side];
                   return { row, column, fill: explorer.boards.colour(pixels, mark, i), selected: i === cursor,
                            text: mark ? t(`mark.${NAMES[mark]}.letter`) : undefined,
                            frame: i === cursor ? "query" : null,
                            name: t("network.tile", { row, column, mark: t(`mark.${NAMES[mark]}`) }) };
                 }) });
    }
    return { node: map.node, draw };
  }

  return { codec, board };
})();
