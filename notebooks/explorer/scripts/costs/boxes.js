/** Fig. 3 as boxes within boxes: the model, its stages, their blocks, and the layers of each. */
explorer.boxes = (() => {
  const LAYERS = ["norm1", "attn.qkv", "attn", "attn.proj", "norm2", "mlp.fc1", "mlp.act", "mlp.fc2", ""];

  /** Which layers belong to a name: it itself and all below it. */
  const under = (layers, name) => layers.filter((layer) => layer.name === name || layer.name.startsWith(`${name}.`));

  /** The boxes of one stage: its blocks. */
  function stage(config, layers, i) {
    return Array.from({ length: config.depths[i] }, (_, j) => {
      const name = `layers.${i}.blocks.${j}`, own = under(layers, name);
      return { id: `stage${i + 1}.block${j + 1}`, part: "block", name: j % 2 ? "shifted_block" : "regular_block",
               number: j + 1,
               layers: own, shape: own[own.length - 1].shape, parts: LAYERS.map((suffix) => {
                 const layer = own.find((each) => each.name === (suffix ? `${name}.${suffix}` : name));
                 const id = `stage${i + 1}.block${j + 1}.${suffix.split(".").pop() || "sum"}`;
                 return { ...leaf(layer, suffix || null), name: suffix ? undefined : "sum", id };
               }) };
    });
  }

  /** A box of one layer, called by a name of the library. */
  const leaf = (layer, code) => ({ part: layer.part, code, layers: [layer], shape: layer.shape, parts: [] });

  /** A box of some layers. */
  function group(id, part, own) {
    const last = (layer) => layer.name.split(".").pop();
    return { id, part, name: part, layers: own, shape: own[own.length - 1].shape,
             parts: own.map((layer) => ({ ...leaf(layer, last(layer)), id: `${id}.${last(layer)}` })) };
  }

  /**
   * The whole model.
   * @returns {object} a box: {id, part, name or code, number, layers, shape, parts}, where parts are boxes
   */
  function tree(config, image) {
    const layers = explorer.costs.layers(config, image), parts = [];
    parts.push(group("embedding", "embedding", under(layers, "patch_embed")));
    config.depths.forEach((_, i) => {
      const own = under(layers, `layers.${i}.blocks`), merging = under(layers, `layers.${i}.downsample`);
      parts.push({ id: `stage${i + 1}`, part: "stage", name: "stage", number: i + 1, layers: own,
                   shape: own[own.length - 1].shape, parts: stage(config, layers, i) });
      if (merging.length) parts.push(group(`merging${i + 1}`, "merging", merging));
    });
    parts.push(group("head", "head", ["norm", "avgpool", "head"].flatMap((name) => under(layers, name))));
    return { id: "model", part: "model", name: "model", layers, shape: [config.classes], parts };
  }

  /** The boxes from the model down to the one of this id; where there is none, down to the last that there is. */
  function path(box, id) {
    const inside = box.parts.find((part) => id === part.id || id.startsWith(`${part.id}.`));
    return inside ? [box, ...path(inside, id)] : [box];
  }

  return { tree, path };
})();
