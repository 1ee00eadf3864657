/** Boards of marks, 0 for a tile without one: their images from the library's own tiles, and their right answers. */
explorer.boards = (() => {
  /** The image of a board, normalised (3, 32, 32): each tile is cut out of one of the four images of the data. */
  function image(marks, pixels) {
    const { side, tile } = explorer.data.board, width = side * tile, all = new Float32Array(3 * width * width);
    return all.map((_, i) => {
      const row = Math.floor(i / width) % width, column = i % width;
      return pixels[marks[Math.floor(row / tile) * side + Math.floor(column / tile)]].values[i];
    });
  }

  /** The mean colour of a tile as a viewer takes it, three numbers from 0 to 255. */
  function colour(pixels, mark, place) {
    const { side, tile, middle, gain } = explorer.data.board, width = side * tile;
    const first = Math.floor(place / side) * tile * width + place % side * tile;
    return [0, 1, 2].map((channel) => {
      const values = Array.from({ length: tile * tile }, (_, i) =>
        pixels[mark].values[channel * width * width + first + Math.floor(i / tile) * width + i % tile]);
      return Math.round(255 * (values.reduce((a, b) => a + b) / values.length / gain + middle));
    });
  }

  /** SAME: 1 where the two marks have one colour, 0 where not; null unless there are exactly two. */
  function same(marks) {
    const found = marks.filter((mark) => mark);
    return found.length === 2 ? Number(found[0] === found[1]) : null;
  }

  /** FLOCK: the direction in which every red mark (1) has a blue one (3) two tiles away; null unless just one fits. */
  function flock(marks) {
    const { side } = explorer.data.board, reds = [...marks.keys()].filter((place) => marks[place] === 1);
    const fits = [[0, 2], [2, 0], [0, -2], [-2, 0]].map(([down, right]) => reds.every((place) => {
      const row = Math.floor(place / side) + down, column = place % side + right;
      return row >= 0 && row < side && column >= 0 && column < side && marks[row * side + column] === 3;
    }));
    return reds.length && fits.filter(Boolean).length === 1 ? fits.indexOf(true) : null;
  }

  /** Whether the marks lie in more than one quadrant of the board. */
  function straddles(marks) {
    const { side } = explorer.data.board, half = side / 2;
    const quadrants = [...marks.keys()].filter((place) => marks[place])
      .map((place) => 2 * (place >= side * half) + (place % side >= half));
    return new Set(quadrants).size > 1;
  }

  return { image, colour, straddles, answers: { same, flock } };
})();
