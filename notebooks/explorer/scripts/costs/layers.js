/** What every layer of a Swin Transformer costs for one image, counted as swin_np/costs.py and complexity.py count. */
explorer.costs = (() => {
  const BYTES = 4;                                     // of a float32
  const product = (numbers) => numbers.reduce((a, b) => a * b, 1);

  /** x W^T + b at every position. */
  function linear(name, part, positions, inputs, outputs, bias = true) {
    const shape = [...positions, outputs];
    return { name, part, shape, parameters: inputs * outputs + (bias ? outputs : 0),
             multiplyAdds: inputs * product(shape), bytes: BYTES * product(shape) };
  }

  /** Normalise over the last axis. */
  function layerNorm(name, shape) {
    return { name, part: "norm", shape, parameters: 2 * shape[shape.length - 1], multiplyAdds: product(shape),
             bytes: BYTES * product(shape) };
  }

  /** Eq. 4 from q, k, v to the heads' outputs; written are scores, probabilities and the result. */
  function attention(name, windows, tokens, channels, heads, parameters) {
    const shape = [windows, tokens, channels];
    return { name, part: "attention", shape, parameters, multiplyAdds: 2 * windows * tokens ** 2 * channels,
             bytes: BYTES * (2 * windows * heads * tokens ** 2 + product(shape)) };
  }

  /** A layer without products that writes `arrays` arrays of this shape. */
  function elements(name, part, shape, arrays = 1) {
    return { name, part, shape, parameters: 0, multiplyAdds: 0, bytes: BYTES * arrays * product(shape) };
  }

  /** The map (h, w) of every stage for an image in pixels; what is no whole patch is cropped, odd sides are padded. */
  function mapSizes({ patch, depths }, image) {
    const sizes = [image.map((side, axis) => Math.floor(side / patch[axis]))];
    while (sizes.length < depths.length) sizes.push(sizes[sizes.length - 1].map((side) => Math.ceil(side / 2)));
    return sizes;
  }

  /** One block, regular or shifted: the shift costs nothing; windows are padded where they do not fit. */
  function block(name, config, stage, [h, w]) {
    const channels = config.channels * 2 ** stage, heads = config.heads[stage], [m, n] = config.window;
    const hidden = channels * config.ratio, windows = Math.ceil(h / m) * Math.ceil(w / n), tokens = m * n;
    return [
      layerNorm(`${name}.norm1`, [h, w, channels]),
      linear(`${name}.attn.qkv`, "qkv", [windows, tokens], channels, 3 * channels),
      attention(`${name}.attn`, windows, tokens, channels, heads, (2 * m - 1) * (2 * n - 1) * heads),
      linear(`${name}.attn.proj`, "proj", [windows, tokens], channels, channels),
      layerNorm(`${name}.norm2`, [h, w, channels]),
      linear(`${name}.mlp.fc1`, "fc1", [h, w], channels, hidden),
      elements(`${name}.mlp.act`, "act", [h, w, hidden]),
      linear(`${name}.mlp.fc2`, "fc2", [h, w], hidden, channels),
      elements(name, "sum", [h, w, channels], 2),
    ];
  }

  /**
   * Every layer in the order of computation.
   * @param {object} config a variant of the page's data
   * @param {number[]} image (height, width) in pixels, at least one patch
   * @returns {{name: string, part: string, shape: number[], parameters: number, multiplyAdds: number, bytes: number}[]}
   */
  function layers(config, image) {
    const maps = mapSizes(config, image), last = maps.length - 1, patch = product(config.patch);
    const all = [linear("patch_embed.proj", "embedding", maps[0], 3 * patch, config.channels),
                 layerNorm("patch_embed.norm", [...maps[0], config.channels])];
    maps.forEach((map, stage) => {
      const channels = config.channels * 2 ** stage;
      for (let j = 0; j < config.depths[stage]; j++) {
        all.push(...block(`layers.${stage}.blocks.${j}`, config, stage, map));
      }
      if (stage === last) return;
      const merged = map.map((side) => Math.ceil(side / 2)), name = `layers.${stage}.downsample`;
      all.push(layerNorm(`${name}.norm`, [...merged, 4 * channels]),
               linear(`${name}.reduction`, "merging", merged, 4 * channels, 2 * channels, false));
    });
    const channels = config.channels * 2 ** last;
    return [...all, layerNorm("norm", [...maps[last], channels]), elements("avgpool", "head", [channels]),
            linear("head", "head", [], channels, config.classes)];
  }

  /** The sums over some layers. @returns {{parameters: number, multiplyAdds: number, bytes: number}} */
  function total(some) {
    const sum = (what) => some.reduce((all, layer) => all + layer[what], 0);
    return { parameters: sum("parameters"), multiplyAdds: sum("multiplyAdds"), bytes: sum("bytes") };
  }

  return { mapSizes, layers, total };
})();
