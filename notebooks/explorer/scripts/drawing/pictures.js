/** Small pictures of numbers, one pixel each, that the browser enlarges. */
explorer.pictures = (() => {
  const { html } = explorer.elements, { share, signed } = explorer.colours;

  /** Values (rows, columns) from -1 to 1 or from 0 to 1 as a picture with a name. */
  function picture(values, columns, label, colour, attributes = {}) {
    const rows = values.length / columns, canvas = html("canvas", {
      width: columns, height: rows, role: "img", "aria-label": label, ...attributes });
    const image = new ImageData(columns, rows);
    values.forEach((value, i) => image.data.set([...colour(value), 255], 4 * i));
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }

  /** Values from their smallest, pale, to their largest, dark. */
  function shares(values, columns, label, attributes) {
    const least = Math.min(...values), span = Math.max(...values) - least || 1;
    return picture(values.map((value) => (value - least) / span), columns, label, share, attributes);
  }

  /** Signed values, the largest of them in full colour. */
  function signedValues(values, columns, label, attributes) {
    const most = Math.max(...values.map(Math.abs)) || 1;
    return picture(values.map((value) => value / most), columns, label, signed, attributes);
  }

  return { shares, signedValues };
})();
