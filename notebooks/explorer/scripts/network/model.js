/** The forward pass of a trained probe, with every step kept to be looked at. Arrays are flat, shapes in comments. */
explorer.model = (() => {
  const { linear, layerNorm, softmax, gelu, add } = explorer.functional;

  /** The arrays of the page's data: {shape, float32} in base64 -> {shape, values: Float32Array}. */
  function decode(array) {
    const bytes = Uint8Array.from(atob(array.float32), (letter) => letter.charCodeAt(0));
    return { shape: array.shape, values: new Float32Array(bytes.buffer) };
  }

  /** All weights of a model by their official names. */
  function decodeAll(weights) {
    return Object.fromEntries(Object.entries(weights).map(([name, array]) => [name, decode(array)]));
  }

  /** Patch partition, each patch flattened channel, row, column: (3, H, W) -> (h w, 3 p^2). */
  function patches(image, side, patch) {
    const tiles = side / patch, all = new Float64Array(image.length);
    let next = 0;
    for (let tile = 0; tile < tiles * tiles; tile++) {
      const top = Math.floor(tile / tiles) * patch, left = tile % tiles * patch;
      for (let channel = 0; channel < 3; channel++) {
        for (let i = 0; i < patch * patch; i++) {
          const row = top + Math.floor(i / patch), column = left + i % patch;
          all[next++] = image[(channel * side + row) * side + column];
        }
      }
    }
    return all;
  }

  /** Eq. 4 in every window and head. x (h w, C) -> the step's arrays, and its output (h w, C). */
  function attend(x, weights, name, layout, heads, options) {
    const qkv = linear(x, weights[`${name}.qkv.weight`], weights[`${name}.qkv.bias`]);      // (h w, 3C)
    const table = weights[`${name}.relative_position_bias_table`].values;                  // ((2M-1)^2, heads)
    const index = explorer.windows.relativePositionIndex(layout.window);
    const channels = qkv.length / layout.tokens.length / 3, d = channels / heads;
    const [count, tokens] = explorer.windows.counts(layout);
    const probabilities = new Float64Array(count * heads * tokens * tokens), merged = new Float64Array(x.length);
    const step = { qkv, table, index, heads, d, layout, scale: d ** -0.5, tokens };
    for (let window = 0; window < count; window++) {
      const members = Array.from(explorer.windows.placesOf(layout, window), (place) => layout.tokens[place]);
      for (let head = 0; head < heads; head++) {
        for (let query = 0; query < tokens; query++) {
          const row = softmax(scores(step, window, head, query, options).total);
          probabilities.set(row, ((window * heads + head) * tokens + query) * tokens);
          for (let key = 0; key < tokens; key++) {
            for (let i = 0; i < d; i++) {
              merged[members[query] * channels + head * d + i] +=
                row[key] * qkv[members[key] * 3 * channels + 2 * channels + head * d + i];
            }
          }
        }
      }
    }
    const output = linear(merged, weights[`${name}.proj.weight`], weights[`${name}.proj.bias`]);
    return { ...step, probabilities, merged, output };
  }

  /** One row of the scores of a head before the softmax, (M^2) each: scaled product, bias, mask and their sum. */
  function scores(step, window, head, query, options) {
    const { layout, qkv, d, heads, tokens, index, table, scale } = step, channels = d * heads;
    const places = explorer.windows.placesOf(layout, window), from = layout.tokens[places[query]] * 3 * channels;
    const product = new Float64Array(tokens), bias = new Float64Array(tokens), mask = new Float64Array(tokens);
    for (let key = 0; key < tokens; key++) {
      const to = layout.tokens[places[key]] * 3 * channels + channels;
      for (let i = head * d; i < (head + 1) * d; i++) product[key] += qkv[from + i] * scale * qkv[to + i];
      if (options.bias) bias[key] = table[index[query * tokens + key] * heads + head];
      const apart = layout.regions[places[query]] !== layout.regions[places[key]];
      if (options.mask && apart) mask[key] = explorer.data.mask_value;
    }
    return { product, bias, mask, total: product.map((value, key) => value + bias[key] + mask[key]) };
  }

  /** Eq. 3. z (h w, C) -> all steps of the block; `output` is (h w, C). */
  function block(z, weights, name, layout, heads, options) {
    const norm = (x, which) => layerNorm(x, weights[`${name}.${which}.weight`], weights[`${name}.${which}.bias`]);
    const fc = (x, which) => linear(x, weights[`${name}.mlp.${which}.weight`], weights[`${name}.mlp.${which}.bias`]);
    const attention = attend(norm(z, "norm1"), weights, `${name}.attn`, layout, heads, options);
    const between = add(z, attention.output);
    const output = add(between, fc(gelu(fc(norm(between, "norm2"), "fc1")), "fc2"));
    return { name, input: z, attention, between, output };
  }

  /** Patch merging: (h w, C) -> (h/2 w/2, 2C), the four of a group down the columns first. */
  function merge(x, side, weights, name) {
    const channels = x.length / side / side, half = side / 2, gathered = new Float64Array(x.length);
    for (let token = 0; token < half * half; token++) {
      const row = 2 * Math.floor(token / half), column = 2 * (token % half);
      [[0, 0], [1, 0], [0, 1], [1, 1]].forEach(([down, right], part) => {
        const from = ((row + down) * side + column + right) * channels;
        gathered.set(x.subarray(from, from + channels), (token * 4 + part) * channels);
      });
    }
    const normed = layerNorm(gathered, weights[`${name}.norm.weight`], weights[`${name}.norm.bias`]);
    return linear(normed, weights[`${name}.reduction.weight`], null);
  }

  /**
   * A trained model's answer and all that led to it.
   * @param {object} weights decoded, by official names
   * @param {ArrayLike<number>} image (3, 32, 32), normalised
   * @param {{shift: boolean, mask: boolean, bias: boolean}} options what is switched on
   * @returns {{embedded: Float64Array, blocks: object[], merged: Float64Array, pooled: Float64Array,
   *   logits: Float64Array, probabilities: Float64Array}} blocks in order; each has `side`, of its map, and `channels`
   */
  function forward(weights, image, options) {
    const config = explorer.data.probe, policy = explorer.data.policies[config.policy];
    let side = config.image[0] / config.patch[0];
    const proj = weights["patch_embed.proj.weight"], channels = proj.shape[0];
    const flat = { values: proj.values, shape: [channels, proj.values.length / channels] };
    const embedded = layerNorm(linear(patches(image, config.image[0], config.patch[0]), flat,
                                      weights["patch_embed.proj.bias"]),
                               weights["patch_embed.norm.weight"], weights["patch_embed.norm.bias"]);
    let x = embedded, merged = null;
    const blocks = [];
    config.depths.forEach((depth, stage) => {
      if (stage > 0) {
        x = merged = merge(x, side, weights, `layers.${stage - 1}.downsample`);
        side /= 2;
      }
      for (let j = 0; j < depth; j++) {
        const shift = config.window.map((m) => (options.shift && j % 2 ? m >> 1 : 0));
        const layout = explorer.windows.layout([side, side], config.window, shift, policy);
        const step = block(x, weights, `layers.${stage}.blocks.${j}`, layout, config.heads[stage], options);
        blocks.push({ ...step, side, stage, channels: x.length / side / side });
        x = step.output;
      }
    });
    const last = layerNorm(x, weights["norm.weight"], weights["norm.bias"]);
    const width = weights["norm.weight"].values.length;
    const pooled = new Float64Array(width);
    last.forEach((value, i) => { pooled[i % width] += value / (side * side); });
    const logits = linear(pooled, weights["head.weight"], weights["head.bias"]);
    return { embedded, blocks, merged, pooled, logits, probabilities: softmax(logits) };
  }

  return { decode, decodeAll, forward, scores };
})();
