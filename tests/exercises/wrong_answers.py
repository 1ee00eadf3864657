"""Wrong answers as students write them: the solution with a line or two changed, in it or in a helper of its notebook.

By exercise and by what is wrong: the text that is changed, and what stands in its place.
"""

SHIFT = "shift if j % 2 == 1 else 0"
SMALL = "min(x.shape[1:3]) > window"
MASK = "if shift else None"
BLOCK = "def swin_block(x, weights, heads, window, shift):"
QUERIES = "scores = q @ k.swapaxes(-1, -2) / math.sqrt(d)"
HEADS = "return table[down * (2 * window - 1) + right].transpose(2, 0, 1)"
NORM = "variance = (centred ** 2).mean(axis=-1, keepdims=True)"
SOFTMAX = "exponentials / exponentials.sum(axis=-1, keepdims=True)"
IDS = "3 * bands(map_size[0])[:, None] + bands(map_size[1])"
TILE = "np.tile(mask, (count // len(mask), 1, 1))[:, None]"
WINDOWS = "return x.reshape(-1, window, window, c)"
NEIGHBOURS = "x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]"

IN_HELPERS = {
    "softmax normalised over all axes": {SOFTMAX: "exponentials / exponentials.sum()"},
    "softmax normalised over the queries": {SOFTMAX: "exponentials / exponentials.sum(axis=-2, keepdims=True)"}}

IN_NORMS = {
    "variance over the batch": {NORM: "variance = (centred ** 2).mean(axis=0, keepdims=True)"},
    "variance of the whole array": {NORM: "variance = (centred ** 2).mean()"},
    "variance of the first image": {NORM: NORM + "[:1]"}}

IN_ATTENTION = {
    "keys of the first head for all": {QUERIES: "scores = q @ k[:, :1].swapaxes(-1, -2) / math.sqrt(d)"},
    "values of the first head for all": {"x = softmax(scores) @ v ": "x = softmax(scores) @ v[:, :1] "},
    "d^-1 in place of d^-1/2": {QUERIES: "scores = q @ k.swapaxes(-1, -2) / d"},
    "the root of the heads in place of d": {QUERIES: "scores = q @ k.swapaxes(-1, -2) / math.sqrt(heads)"},
    "the root of the tokens in place of d": {QUERIES: "scores = q @ k.swapaxes(-1, -2) / math.sqrt(n)"},
    "keys and queries the other way round": {QUERIES: "scores = k @ q.swapaxes(-1, -2) / math.sqrt(d)"},
    "the score of a token with itself left out": {QUERIES: QUERIES + " - 100 * np.eye(n)"},
    "only keys before the query": {QUERIES: QUERIES + " - 100 * np.triu(np.ones((n, n)), 1)"},
    "scores cut off": {QUERIES: QUERIES.replace("= ", "= np.clip(") + ", -1, 1)"}}

IN_BLOCKS = {
    "no mask on the last column": {IDS: "3 * bands(map_size[0])[:, None] + 0 * bands(map_size[1])"},
    "no mask on the last row": {IDS: "0 * bands(map_size[0])[:, None] + bands(map_size[1])"},
    "region ids that are summed without the 3": {IDS: "bands(map_size[0])[:, None] + bands(map_size[1])"},
    "a roll by the window": {"(-shift, -shift)": "(-window, -window)"},
    "a roll of the rows only": {"(-shift, -shift)": "(-shift, 0)", "(shift, shift)": "(shift, 0)"},
    "a mask for a shift of 1": {"= shifted_window_mask(map_size, window, shift)":
                                "= shifted_window_mask(map_size, window, 1)"},
    "the mask of the first window for all": {TILE: "mask[:1][:, None]"},
    "the mask of the last window for all": {TILE: "mask[-1:][:, None]"},
    "masks repeated for each window in place of each image": {TILE: "np.repeat(mask, count // len(mask), 0)[:, None]"},
    "a bias for square windows of another table": {HEADS: HEADS.replace("2 * window - 1", "2 * window")},
    "the bias of the first head for all": {HEADS: HEADS + "[:1]"},
    "the bias transposed": {HEADS: HEADS.replace("(2, 0, 1)", "(2, 1, 0)")},
    "windows of the second image from the first": {
        WINDOWS: "return np.concatenate([x[:1]] * b).reshape(-1, window, window, c)"},
    "height and width of the map exchanged": {"x.shape[-1], x.shape[1:3]": "x.shape[-1], x.shape[2:0:-1]"},
    "the second norm left out": {"layer_norm(x, weights[\"norm2.weight\"], weights[\"norm2.bias\"])": "x"},
    "the first norm for both": {"layer_norm(x, weights[\"norm2.weight\"], weights[\"norm2.bias\"])":
                                "layer_norm(x, weights[\"norm1.weight\"], weights[\"norm1.bias\"])"},
    "the residual of the normalised map": {
        "x = x + np.roll(branch,":
        "x = layer_norm(x, weights[\"norm1.weight\"], weights[\"norm1.bias\"]) + np.roll(branch,"}}

CUT = {"heads cut from channels that are not next to each other": {"n, 3, heads, d).transpose(2, 0, 3, 1, 4)":
                                                                   "n, 3, d, heads).transpose(2, 0, 4, 1, 3)"}}

IN_THE_ATTENTION_OF_WINDOWS = {what: change for what, change in IN_BLOCKS.items()
                               if {TILE, HEADS} & set(change)}

PREDICTED = {
    "windows": ("81", (64, 72, 65, 100, 49, 80, 82, 9, 0.81)),
    "map": ("(28, 42, 384)", ("(42, 28, 384)", "(28, 42, 96)", "(28, 42, 192)", "(56, 84, 192)", "(14, 21, 768)",
                              "(28, 42, 1536)", "(112, 168, 384)", "(28, 42)", "28")),
    "ratio": ("13.8", (64, 8, 0.0724, 13, 14, 13.9, 13.7, 448, 27.6)),
    "masked_share": ("0.4375", (0.5625, 0.75, 0.375, 0.1875, 0.25, 0.5, 448, 0.43, 0)),
    "corner": ("9", (49, 16, 21, 12, 1, 4, 10, 8, 7)),
    "reach": ("196", (49, 98, 100, 441, 3136, 195, 147, 14, 169)),
    "table": ("507", (169, 147, 7203, 588, 39, 506, 675, 2401, 13)),
    "shifting_stages": ("(1, 2, 3)", ("(1, 2, 3, 4)", "(2, 4)", "(3,)", "(0, 1, 2)", "(2, 3)", "(1, 2)", "()", "3",
                                      "(3, 2, 1)"))}
"""Right predictions, and wrong ones."""

WRONG_ANSWERS: dict[str, dict[str, dict[str, str]]] = {
    "multi_head_attention": {
        **IN_HELPERS, **IN_ATTENTION,
        "the second image attends to the first": {QUERIES: "scores = q @ k[:1].swapaxes(-1, -2) / math.sqrt(d)"},
        "heads cut from channels that are not next to each other": {
            "reshape(b, n, 3, heads, d)": "reshape(b, n, 3, d, heads)", "qkv.transpose(2, 0, 3, 1, 4)":
            "qkv.transpose(2, 0, 4, 1, 3)"},
        "proj before the heads are merged": {"x = x.transpose(0, 2, 1, 3).reshape(b, n, channels)":
                                             "x = x.reshape(b, n, channels)"}},
    "window_attention": {
        **IN_HELPERS, **IN_ATTENTION, **CUT, **IN_THE_ATTENTION_OF_WINDOWS,
        "the mask of two images": {"np.tile(mask, (count // len(mask), 1, 1))": "np.tile(mask, (2, 1, 1))[:count]"},
        "a mask that is used for the first image only": {
            TILE: "np.concatenate([mask, 0 * np.tile(mask, (count // len(mask) - 1, 1, 1))])[:, None]"},
        "the bias only where there is a mask": {
            "+ relative_position_bias(": "+ (mask is not None) * relative_position_bias("}},
    "swin_block": {
        **IN_HELPERS, **IN_NORMS, **IN_ATTENTION, **CUT, **IN_BLOCKS,
        "a mask for half a window": {"= shifted_window_mask(map_size, window, shift)":
                                     "= shifted_window_mask(map_size, window, window // 2)"}},
    "two_successive_blocks": {
        **IN_HELPERS, **IN_NORMS, **IN_ATTENTION, **CUT, **IN_BLOCKS,
        "shift of 1": {"heads, window, window // 2)": "heads, window, 1)"},
        "shift of M - 1": {"heads, window, window // 2)": "heads, window, window - 1)"},
        "shift of 2": {"heads, window, window // 2)": "heads, window, min(window - 1, 2))"},
        "shift of half of the heads": {"heads, window, window // 2)": "heads, window, heads // 2 % window)"},
        "both blocks of the first map": {"return swin_block(x, part(weights, \"blocks.1.\")":
                                         "return x + 0 * swin_block(x, part(weights, \"blocks.1.\")"}},
    "swin_transformer": {
        **IN_HELPERS, **IN_NORMS, **IN_ATTENTION, **CUT, **IN_BLOCKS,
        "shift by the sum of stage and block": {SHIFT: "shift if (i + j) % 2 == 1 else 0"},
        "shift in all blocks but the first": {SHIFT: "shift if j > 0 else 0"},
        "shift in the second block only": {SHIFT: "shift if j == 1 else 0"},
        "shift in the last block of a stage": {SHIFT: "shift if j == depths[i] - 1 else 0"},
        "a block counter that runs on through the stages": {SHIFT: "shift if (sum(depths[:i]) + j) % 2 == 1 else 0"},
        "no shift in the second stage": {SHIFT: "shift if j % 2 == 1 and i != 1 else 0"},
        "no shift after the first stage": {SHIFT: "shift if j % 2 == 1 and i == 0 else 0"},
        "no shift in the last stage": {SHIFT: "shift if j % 2 == 1 and i < len(depths) - 1 else 0"},
        "no shift behind the fourth block": {SHIFT: "shift if j == 1 or j > 3 else 0"},
        "no mask in the second stage": {BLOCK: BLOCK.replace("shift)", "shift, masked=True)"),
                                        MASK: "if shift and masked else None", SHIFT: SHIFT + ", i != 1"},
        "no mask after the first stage": {BLOCK: BLOCK.replace("shift)", "shift, masked=True)"),
                                          MASK: "if shift and masked else None", SHIFT: SHIFT + ", i == 0"},
        "a shift of 1": {"window // 2 if": "1 if"},
        "shifted over a single window": {SMALL: "True"},
        "the longer side decides on the shift": {SMALL: "max(x.shape[1:3]) > window"},
        "the height decides on the shift": {SMALL: "x.shape[1] > window"},
        "the width decides on the shift": {SMALL: "x.shape[2] > window"},
        "the first map decides on the shift of all stages": {
            "for i in range(len(depths)):": "first = x\n    for i in range(len(depths)):",
            SMALL: "min(first.shape[1:3]) > window"},
        "a shift only from two windows and a half on": {SMALL: "min(x.shape[1:3]) > 2 * window"},
        "only the first two depths": {"for i in range(len(depths)):": "for i in range(min(2, len(depths))):"},
        "every stage as deep as the first": {
            "for j in range(depths[i]):": "for j in range(min(depths[0], depths[i])):"},
        "two blocks in every stage": {"for j in range(depths[i]):": "for j in range(min(2, depths[i])):"},
        "an even number of blocks": {"for j in range(depths[i]):": "for j in range(depths[i] // 2 * 2):"},
        "the heads of the first stage in all": {"weights, heads[i], window": "weights, heads[0], window"},
        "the first merging for every stage": {'f"layers.{i}.downsample."': '"layers.0.downsample."'},
        "the norm of the first merging for every stage": {
            'merge["norm.weight"]': "part(state, 'layers.0.downsample.')['norm.weight']"},
        "the mean over rows only": {"x.mean(axis=(1, 2))": "x.mean(axis=1)[:, 0]"},
        "the mean over the batch": {"x.mean(axis=(1, 2))": "x.mean(axis=(1, 2)).mean(axis=0, keepdims=True)"},
        "the sum for the mean": {"x.mean(axis=(1, 2))": "x.sum(axis=(1, 2))"},
        "the bias of the head left out": {'state["head.weight"], state["head.bias"]': 'state["head.weight"]'},
        "height and width exchanged on entry": {
            "x = patch_embedding(images,": "x = patch_embedding(images.swapaxes(2, 3),"},
        "colours in the opposite order": {"x = patch_embedding(images,": "x = patch_embedding(images[:, ::-1],"},
        "merging with one pair of neighbours twice": {
            NEIGHBOURS: "x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 1::2, 0::2], x[:, 1::2, 1::2]"}},
    "patch_merging": {
        **IN_NORMS,
        "one pair of neighbours twice": {
            NEIGHBOURS: "x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 1::2, 0::2], x[:, 1::2, 1::2]"},
        "the first neighbour for all": {NEIGHBOURS: "*[x[:, 0::2, 0::2]] * 4"},
        "clockwise": {NEIGHBOURS: "x[:, 0::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2], x[:, 1::2, 0::2]"},
        "halves of the map for every second row": {
            NEIGHBOURS: "*[half for rows in np.split(x, 2, 1) for half in np.split(rows, 2, 2)]"},
        "a norm of each neighbour": {
            "layer_norm(x, norm_weight, norm_bias)": "np.concatenate([layer_norm(neighbour, w, b) for neighbour, w, b "
            "in zip(neighbours, np.split(norm_weight, 4), np.split(norm_bias, 4))], -1)"}},
    "sliding_window_attention": {
        **IN_HELPERS,
        "a window of 3 x 3": {"radius = window // 2": "radius = 1"},
        "a radius of M": {"radius = window // 2": "radius = window"},
        "the lower border cut off": {"i + radius + 1)": "i + radius)"},
        "the right border cut off": {"j + radius + 1)": "j + radius)"},
        "a window that stays at the upper border": {"max(i - radius, 0)": "0"},
        "a window that stays at the left border": {"max(j - radius, 0)": "0"},
        "columns clamped by the rows": {"max(j - radius, 0)": "max(min(i, j) - radius, 0)"},
        "keys of the first image for all": {"keys = k[:, rows, columns].reshape(b, -1, d)":
                                            "keys = np.repeat(k[:1, rows, columns], b, 0).reshape(b, -1, d)"},
        "values of the first image for all": {"values = v[:, rows, columns].reshape(b, -1, d)":
                                              "values = np.repeat(v[:1, rows, columns], b, 0).reshape(b, -1, d)"},
        "d^-1 in place of d^-1/2": {"/ math.sqrt(d)": "/ d"},
        "the root of M in place of d": {"/ math.sqrt(d)": "/ math.sqrt(window)"},
        "the last row of queries left out": {"for i in range(h):": "for i in range(h - 1):"},
        "queries of the square part of the map only": {"for j in range(w):": "for j in range(min(h, w)):"}},
    "count_parameters": {
        "merging with a bias": {"4 * channels * 2 * channels": "linear(4 * channels, 2 * channels)"},
        "merging after the last stage too": {"return count +": "return count + 8 * channels + 8 * channels ** 2 +"},
        "every stage as deep as the first": {"count += depths[stage]": "count += depths[0]"},
        "the heads of the first stage in all": {"heads[stage]": "heads[0]"},
        "heads that double from stage to stage": {"heads[stage]": "heads[0] * 2 ** stage"},
        "one table for a stage": {"+ table +": "+ table / depths[stage] +"},
        "a table of (2M+1)^2": {"2 * window - 1": "2 * window + 1"},
        "a window of 7": {"2 * window - 1": "2 * 7 - 1"},
        "a thousand classes": {"linear(channels, classes)": "linear(channels, 1000)"},
        "a head of the first stage's channels": {"linear(channels, classes)": "linear(embed_dim, classes)"},
        "a final norm of the first stage's channels": {"return count + 2 * channels": "return count + 2 * embed_dim"},
        "a patch of one colour": {"linear(3 * 4 * 4": "linear(4 * 4"},
        "only the first two stages": {"range(len(depths))": "range(min(2, len(depths)))"},
        "counted in float32": {"return count +": "import numpy\n    return numpy.float32(count) +"},
        "the norms of a block once in a stage": {"(attention + mlp + norms)": "(attention + mlp) + norms"}},
    "msa_multiply_adds": {
        "counted in float32": {"return linear_layers + products":
                               "import numpy\n    return numpy.float32(linear_layers + products)"},
        "counted in 32 bits": {"return linear_layers + products": "import numpy\n"
                               "    return numpy.array(linear_layers + products).astype(numpy.int32)"},
        "a square map": {"tokens = h * w": "tokens = h * h"},
        "products of the sides": {"2 * tokens ** 2 * channels": "2 * tokens * (h + w) * channels"}},
    "window_msa_multiply_adds": {
        "counted in float32": {"return windows *": "import numpy\n    return numpy.float32(windows) *"},
        "the rows of windows twice": {"(w // window)": "(h // window)"},
        "a window of 7 for the products": {
            "return windows * msa_multiply_adds(window, window, channels)":
            "return 4 * h * w * channels ** 2 + 2 * 49 * h * w * channels"},
        "a window more each way": {"(h // window) * (w // window)": "(h // window + 1) * (w // window + 1)"}},
    "block_multiply_adds": {
        "counted in float32": {"return norms +": "import numpy\n    return numpy.float32(norms) +"},
        "a norm of the hidden channels": {"norms = 2 * h": "norms = 5 * h"},
        "GELU counted": {"return norms +": "return 4 * h * w * channels + norms +"},
        "residuals counted": {"return norms +": "return 2 * h * w * channels + norms +"}},
    "relative_position_index": {
        "the height in place of the width": {"(2 * n - 1)": "(2 * m - 1)"},
        "displacements of the rows only": {"return down * (2 * n - 1) + right": "return down * (2 * n - 1)"},
        "absolute displacements": {"down = rows[:, None] - rows[None, :] + m - 1":
                                   "down = abs(rows[:, None] - rows[None, :])"},
        "right from 1 on": {"+ n - 1": "+ n"},
        "counted in floating point": {"return down": "return 1.0 * down"},
        "a table row too many in each row": {"(2 * n - 1)": "2 * n"},
        "counted from 1": {"+ right": "+ right + 1"},
        "tokens counted down the columns": {"np.indices((m, n)).reshape(2, -1)":
                                            "np.indices((m, n)).transpose(0, 2, 1).reshape(2, -1)"},
        "sides exchanged": {"m, n = window": "n, m = window"},
        "square windows": {"m, n = window": "m = n = window[0]"}},
    "region_ids": {
        "one axis forgotten": {"3 * bands(h)[:, None] + bands(w)": "3 * bands(h)[:, None] + 0 * bands(w)"},
        "the other axis forgotten": {"3 * bands(h)[:, None] + bands(w)": "0 * bands(h)[:, None] + bands(w)"},
        "bands of the height for both": {"+ bands(w)": "+ np.resize(bands(h), w)"},
        "half of the window for the shift": {"side - shift": "side - window // 2"},
        "what is left of the window for the shift": {"side - shift": "side - window + shift"},
        "whole numbers in floating point": {"return 3 * bands": "return 3.0 * bands"}},
    "shifted_window_mask": {
        "one axis forgotten": {"3 * bands(h)[:, None] + bands(w)": "3 * bands(h)[:, None] + 0 * bands(w)"},
        "the corner's window only": {
            "return np.where(": "return (np.arange(len(ids)) == len(ids) - 1)[:, None, None] * np.where("},
        "half of the window for the shift": {"side - shift": "side - window // 2"},
        "-1000": {"0.0, -100.0)": "0.0, -1000.0)"}},
    "res2net_ladder": {
        "the first split added too": {"if i > 1:": "if i > 0:"},
        "the sum of all results": {"results[-1]": "sum(results[1:])"},
        "the first kernel for all": {"convolution(split, kernel)": "convolution(split, kernels[0])"},
        "kernels from the last on": {"convolution(split, kernel)": "convolution(split, kernels[-i])"},
        "the last split passed on": {"np.maximum(convolution(split, kernel), 0)":
                                     "np.maximum(convolution(split, kernel), 0) if i < len(kernels) else split"},
        "added only in the third split": {"if i > 1:": "if i == 2:"},
        "four splits": {"if i > 1:": "if 1 < i < 4:"},
        "the result before ReLU": {"results.append(np.maximum(convolution(split, kernel), 0))":
                                   "results.append(convolution(split, kernel))"}},
    "find_the_bug_1": {
        **IN_HELPERS,
        "the bias of the first head for all": {"bias = table[index].transpose(2, 0, 1)":
                                               "bias = table[index].transpose(2, 0, 1)[:1]"},
        "keys of the first head for all": {"@ k.transpose(0, 1, 3, 2)": "@ k[:, :1].transpose(0, 1, 3, 2)"},
        "d^-1 in place of d^-1/2": {"d ** -0.5": "d ** -1.0"},
        "queries of the first window for all": {"(q * d": "(q[:1] * d"},
        "the root of the heads in place of d": {"d ** -0.5": "heads ** -0.5"},
        "the root of M^2 in place of d": {"d ** -0.5": "1 / window"},
        "a bias without the heads": {"+ bias": "+ bias.mean(axis=0)"},
        "the bias of windows of 2": {"index = down * (2 * window - 1) + right": "index = down * 3 + right"},
        "the bias scaled": {"@ k.transpose(0, 1, 3, 2) + bias": "@ k.transpose(0, 1, 3, 2) + bias * d ** -0.5"},
        "displacements cut off": {"index = down": "down = np.clip(down, 1, 2 * window - 3)\n    index = down"},
        "the port itself": {', indexing="ij"': ""}},
    "find_the_bug_2": {
        **IN_HELPERS,
        "masks repeated for each window": {"np.tile(mask, (b, 1, 1))": "np.repeat(mask, b, axis=0)"},
        "the mask on the first image only": {
            "np.tile(mask, (b, 1, 1))": "np.concatenate([mask, 0 * np.tile(mask, (b - 1, 1, 1))])"},
        "the masks of two images": {"np.tile(mask, (b, 1, 1))": "np.tile(mask, (2, 1, 1))"},
        "a shift of half a window": {"np.roll(x, (-shift, -shift)": "np.roll(x, (-(window // 2), -(window // 2))",
                                     "np.roll(x, (shift, shift)": "np.roll(x, (window // 2, window // 2)"},
        "the mask of half a window": {"    number = 0": "    roll, shift = shift, window // 2\n    number = 0",
                                      "np.roll(x, (-shift, -shift)": "np.roll(x, (-roll, -roll)",
                                      "np.roll(x, (shift, shift)": "np.roll(x, (roll, roll)"},
        "C in place of its root": {"/ math.sqrt(c)": "/ c"},
        "the root of M^2 in place of C": {"/ math.sqrt(c)": "/ window"},
        "no mask in a map of one row of windows": {"mask = np.where(": "mask = (h > window) * np.where("},
        "no mask in a map of one column of windows": {"mask = np.where(": "mask = (w > window) * np.where("},
        "no mask in the corner's window": {
            "    tokens = windows_of(np.roll": "    mask[-1] = 0\n    tokens = windows_of(np.roll"},
        "rolled back over the rows only": {"np.roll(x, (shift, shift)": "np.roll(x, (shift, 0)"}},
    "find_the_bug_3": {
        **IN_NORMS,
        "the order of the port": {"x.transpose(0, 1, 3, 4, 2, 5)": "x.transpose(0, 1, 3, 2, 4, 5)"},
        "the residual of the normalised map": {"shortcut = x\n": "shortcut = layer_norm(x, weights[\"norm2.weight\"], "
                                               "weights[\"norm2.bias\"])\n"},
        "no residual": {"x = shortcut + x": "x = x"},
        "GELU behind the second layer too": {"x = shortcut + x": "x = shortcut + gelu(x)"},
        "GELU by its approximation": {"x = gelu(x)": "x = x / (1 + np.exp(-1.702 * x))"},
        "the first layer's bias left out": {' + weights["mlp.fc1.bias"]': ""},
        "the second layer's bias left out": {' + weights["mlp.fc2.bias"]': ""},
        "the norm of merging left out": {
            "x = layer_norm(x, weights[\"norm.weight\"], weights[\"norm.bias\"])": "x = x"},
        "groups of columns first": {"x.transpose(0, 1, 3, 4, 2, 5)": "x.transpose(0, 3, 1, 4, 2, 5)"},
        "neighbours of the first image for all": {"x = x.transpose(0, 1, 3, 4, 2, 5)":
                                                  "x = np.repeat(x[:1], b, 0).transpose(0, 1, 3, 4, 2, 5)"}},
    "vit_attention": {
        **IN_HELPERS,
        "variance over the batch": {NORM: "variance = (centred ** 2).mean(axis=0, keepdims=True)"},
        "the class token left out of the keys": {
            "softmax(q @ k.swapaxes(-1, -2) / math.sqrt(d))": "softmax(q @ k.swapaxes(-1, -2) / math.sqrt(d) - "
            "100 * (np.arange(n) == 0))"},
        "patches that see themselves alone": {
            "softmax(q @ k.swapaxes(-1, -2) / math.sqrt(d))": "softmax(q @ k.swapaxes(-1, -2) / math.sqrt(d) - "
            "100 * (np.arange(n)[:, None] > 0) * (1 - np.eye(n)))"},
        "eps of Swin": {"1e-6": "1e-5"}, "d^-1 in place of d^-1/2": {"/ math.sqrt(d)": "/ d"},
        "the root of the heads in place of d": {"/ math.sqrt(d)": "/ math.sqrt(heads)"},
        "the root of the tokens in place of d": {"/ math.sqrt(d)": "/ math.sqrt(n)"},
        "keys of the first head for all": {"q @ k.swapaxes": "q @ k[:, :1].swapaxes"},
        "the map of the first head for all": {"probabilities[:, :, 0, 1:].reshape(b, heads, *grid)":
                                              "np.repeat(probabilities[:, :1, 0, 1:], heads, 1)"
                                              ".reshape(b, heads, *grid)"},
        "the map of the last patch": {"probabilities[:, :, 0, 1:]": "probabilities[:, :, -1, 1:]"},
        "the mean over all queries": {"probabilities[:, :, 0, 1:]": "probabilities[:, :, :, 1:].mean(axis=2)"},
        "scores for weights": {"return x + y, probabilities[:, :, 0, 1:]": "probabilities = q @ k.swapaxes(-1, -2)\n"
                               "    return x + y, probabilities[:, :, 0, 1:]"},
        "weights of the patches that sum to 1": {
            "return x + y, ": "probabilities = probabilities / probabilities[..., 1:].sum(-1, keepdims=True)\n"
            "    return x + y, "},
        "no residual": {"return x + y, ": "return y, "},
        "the residual for patches alone": {"return x + y, ": "return y + x * (np.arange(n) > 0)[:, None], "}},
    "resize_positions": {
        "the class token resized away": {"pos_embed[:, :1], resized": "resized[:, :1], resized"},
        "the class token last": {"[pos_embed[:, :1], resized]": "[resized, pos_embed[:, :1]]"},
        "linear interpolation": {"cubic(position - neighbour)": "np.maximum(1 - np.abs(position - neighbour), 0)"},
        "corners aligned": {"(np.arange(new) + 0.5) * old / new - 0.5": "np.arange(new) * (old - 1) / (new - 1)"},
        "from the corner": {"(np.arange(new) + 0.5) * old / new - 0.5": "np.arange(new) * old / new"},
        "a kernel that gets wider where the map shrinks": {
            "cubic(position - neighbour)": "cubic((position - neighbour) / max(old / new, 1)) / max(old / new, 1)"},
        "weights at the border that are written over": {"] += cubic": "] = cubic"},
        "neighbours round the border": {"np.clip(neighbour, 0, old - 1)": "neighbour % old"},
        "neighbours mirrored at the border": {
            "np.clip(neighbour, 0, old - 1)": "np.where(neighbour < 0, -1 - neighbour, np.where(neighbour < old, "
            "neighbour, 2 * old - 1 - neighbour))"},
        "only three neighbours": {"range(-1, 3)": "range(-1, 2)"},
        "rounded in place of cut off": {"np.floor(position)": "np.round(position)"},
        "the kernel of -1/2": {"1.25 * d ** 3 - 2.25": "1.5 * d ** 3 - 2.5", "-0.75 *": "-0.5 *"},
        "height and width of the old map exchanged": {"h, w = old_grid": "w, h = old_grid"},
        "the rows alone": {"range(2)": "range(1)"}, "weights that are made to sum to 2": {"+= cubic": "+= 2 * cubic"}},
    "cosine_attention": {
        **IN_HELPERS,
        "no limit": {"np.minimum(logit_scale, largest)": "logit_scale"},
        "limited at 100 before the exponential": {"np.minimum(logit_scale, largest)": "np.minimum(logit_scale, 100)"},
        "limited from below too": {"np.minimum(logit_scale, largest)": "np.clip(logit_scale, 0, largest)"},
        "tau for its inverse": {"np.exp(np.minimum": "np.exp(-np.minimum"},
        "the scale of the first head for all": {"np.minimum(logit_scale, largest)":
                                                "np.minimum(logit_scale, largest)[:1]"},
        "the mean of all scales": {"np.minimum(logit_scale, largest)": "np.minimum(logit_scale, largest).mean()"},
        "length over all tokens": {"(x ** 2).sum(axis=-1": "(x ** 2).sum(axis=(-1, -2)"},
        "length of the largest number": {"np.sqrt((x ** 2).sum(axis=-1, keepdims=True))":
                                         "np.abs(x).max(axis=-1, keepdims=True)"},
        "length as a sum": {"np.sqrt((x ** 2).sum(axis=-1, keepdims=True))": "np.abs(x).sum(axis=-1, keepdims=True)"},
        "lengths of 0.1 at least": {"1e-12": "0.1"}, "lengths with 1e-6 added": {"np.maximum(length, 1e-12)":
                                                                                   "(length + 1e-6)"},
        "queries alone": {"direction(k)": "k"}, "keys alone": {"direction(q)": "q"},
        "values too": {"softmax(scores) @ v": "softmax(scores) @ direction(v)"},
        "the bias scaled": {"* np.exp(np.minimum(logit_scale, largest)) + bias":
                            "* np.exp(np.minimum(logit_scale, largest)) + 16 * bias"},
        "the bias of the first head": {"+ bias": "+ bias[:1]"},
        "the bias transposed": {"+ bias": "+ bias.swapaxes(1, 2)"}},
    "continuous_position_bias": {
        "right before down": {"np.stack(np.meshgrid(down, right, indexing=\"ij\")": "np.stack(np.meshgrid(down, right, "
                              "indexing=\"ij\")[::-1]"},
        "counted down the columns": {', indexing="ij"': ""},
        "scaled by the larger of both windows": {"/ (before - 1)": "/ (max(before, side) - 1)"},
        "scaled by M in place of M - 1": {"/ (before - 1)": "/ before"},
        "scaled by the window's own sides": {"/ (before - 1)": "/ (side - 1)"},
        "scaled by the height alone": {"/ (before - 1)": "/ (pretrained_window[0] - 1)"},
        "the natural logarithm": {"np.log2(1": "np.log(1"}, "no sign": {"np.sign(x) * ": ""},
        "the logarithm of x": {"np.log2(1 + np.abs(x))": "np.log2(np.abs(x) + (x == 0))"},
        "not divided by 3": {") / 3": ")"}, "no activation": {
            "np.maximum(linear(x, fc1_weight, fc1_bias), 0)": "linear(x, fc1_weight, fc1_bias)"},
        "tanh": {"np.maximum(linear(x, fc1_weight, fc1_bias), 0)": "np.tanh(linear(x, fc1_weight, fc1_bias))"},
        "the bias of the first layer left out": {"linear(x, fc1_weight, fc1_bias)": "linear(x, fc1_weight)"},
        "no sigmoid": {"16 / (1 + np.exp(-table))": "table"}, "times 8": {"16 / (1": "8 / (1"},
        "a sigmoid from -8 to 8": {"16 / (1 + np.exp(-table))": "16 / (1 + np.exp(-table)) - 8"},
        "sigmoid of the opposite": {"np.exp(-table)": "np.exp(table)"},
        "the bias of the first head for all": {"[relative_position_index(window)]":
                                               "[relative_position_index(window)][..., [0] * len(fc2_weight)]"},
        "keys for queries": {".transpose(2, 0, 1)": ".transpose(2, 1, 0)"}},
    "patch_expanding": {
        **IN_NORMS,
        "down the columns first": {"x.transpose(0, 1, 3, 2, 4, 5)": "x.transpose(0, 1, 4, 2, 3, 5)"},
        "rows only": {"x.transpose(0, 1, 3, 2, 4, 5)": "x.transpose(0, 1, 2, 3, 4, 5)"},
        "quadrants": {"x.transpose(0, 1, 3, 2, 4, 5)": "x.transpose(0, 3, 1, 4, 2, 5)"},
        "channel by channel": {"reshape(b, h, w, 2, 2, c // 2)": "reshape(b, h, w, c // 2, 2, 2)",
                               "x.transpose(0, 1, 3, 2, 4, 5)": "x.transpose(0, 1, 4, 2, 5, 3)"},
        "the first quarter for all": {"linear(x, expand_weight)": "linear(x, np.tile(expand_weight[:c // 2], (4, 1)))"},
        "the nearest token without a linear layer": {"linear(x, expand_weight)": "np.tile(x[..., :c // 2], 4)"},
        "the norm of all four together": {
            "return layer_norm(x.reshape(b, 2 * h, 2 * w, c // 2), norm_weight, norm_bias)":
            "x = x - x.mean((2, 4, 5), keepdims=True)\n"
            "    x = x / np.sqrt((x ** 2).mean((2, 4, 5), keepdims=True) + 1e-5)"
            "\n    return x.reshape(b, 2 * h, 2 * w, c // 2) * norm_weight + norm_bias"},
        "no norm": {"layer_norm(x.reshape(b, 2 * h, 2 * w, c // 2), norm_weight, norm_bias)":
                    "x.reshape(b, 2 * h, 2 * w, c // 2)"},
        "rows mirrored in each group": {
            "x.transpose(0, 1, 3, 2, 4, 5)": "x[:, :, :, ::-1].transpose(0, 1, 3, 2, 4, 5)"}},
    "attention_on_the_image": {
        "looked for on the image": {
            "row, column = (row - shift) % h, (column - shift) % w": "row, column = row, column"},
        "shifted the other way": {"(row - shift) % h, (column - shift) % w": "(row + shift) % h, (column + shift) % w"},
        "rows shifted alone": {"(column - shift) % w": "column"},
        "not round the border": {
            "(row - shift) % h, (column - shift) % w": "max(row - shift, 0), max(column - shift, 0)"},
        "not rolled back": {"(shift, shift), axis=(0, 1)": "(0, 0), axis=(0, 1)"},
        "rolled on": {"(shift, shift), axis=(0, 1)": "(-shift, -shift), axis=(0, 1)"},
        "rolled back by half a window": {"(shift, shift), axis=(0, 1)": "(window // 2, window // 2), axis=(0, 1)"},
        "how much others attend to it": {"row % window * window + column % window]":
                                         ":, row % window * window + column % window]"},
        "windows counted down the columns": {"top * (w // window) + left": "left * (h // window) + top"},
        "tokens counted down the columns": {"row % window * window + column % window":
                                            "column % window * window + row % window"},
        "keys counted down the columns": {"weights.reshape(window, window)": "weights.reshape(window, window).T"},
        "the first window for all": {"attention[top * (w // window) + left,": "attention[0,"},
        "the window's mean": {"row % window * window + column % window]": "].mean(0)"},
        "the sharpest weight as 1": {
            "weights.reshape(window, window)": "(weights / weights.max()).reshape(window, window)"},
        "width for height": {"top * (w // window) + left": "top * (h // window) + left"}},
    "res2net_block": {
        "splits added in the first block too, where the stride is 1": {
            "if i > 0 and not first:": "if i > 0 and stride == 1:"},
        "no split added": {"if i > 0 and not first:": "if False:"},
        "the sum of all results": {"results[-1]": "sum(results)"},
        "the split before as it came in": {"results[-1]": "splits[i - 1]"},
        "the last split passed on in every block": {
            "    if first:\n        kernel": "    if stride > 1:\n        kernel"},
        "the last split averaged in every block": {"    if first:\n        kernel": "    if True:\n        kernel"},
        "the last split subsampled": {"last = strided_convolution(last, kernel, 0, stride)":
                                      "last = last[:, ::stride, ::stride]"},
        "averages of what is inside": {
            "last = strided_convolution(last, kernel, 0, stride)":
            "last = strided_convolution(last, kernel, 0, stride) / strided_convolution(0 * last + 1, kernel, 0, "
            "stride)"},
        "the passed split first": {"[*results, last]": "[last, *results]"},
        "the first split passed on": {"*splits, last =": "last, *splits ="},
        "the first kernel for all": {'weights[f"convs.{i}.weight"]': 'weights["convs.0.weight"]'},
        "the bias of the first kernel for all": {'weights[f"convs.{i}.bias"]': 'weights["convs.0.bias"]'},
        "the bias of the last layer left out": {'weights["conv3.weight"], weights["conv3.bias"]':
                                                'weights["conv3.weight"], 0'},
        "no ReLU behind the first layer": {
            'np.maximum(strided_convolution(x, weights["conv1.weight"], weights["conv1.bias"]), 0)':
            'strided_convolution(x, weights["conv1.weight"], weights["conv1.bias"])'},
        "no ReLU behind the splits": {"np.maximum(y, 0)": "y"},
        "ReLU before the sum": {'np.maximum(shortcut + strided_convolution(x, weights["conv3.weight"], '
                                'weights["conv3.bias"]), 0)':
                                'shortcut + np.maximum(strided_convolution(x, weights["conv3.weight"], '
                                'weights["conv3.bias"]), 0)'},
        "no shortcut": {"shortcut + strided": "strided"},
        "the shortcut of even pixels without a projection's bias": {
            'weights["downsample.bias"], stride': "0, stride"},
        "splits that are not next to each other": {"np.split(x, scale, axis=-1)":
                                                   "[x[..., i::scale] for i in range(scale)]"}},
    **{f"predict_{name}": {str(number): {f"return {right}": f"return {number}"} for number in numbers}
       for name, (right, numbers) in PREDICTED.items()},
}
