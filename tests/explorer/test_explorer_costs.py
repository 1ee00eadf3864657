"""The page's counts equal the library's, layer by layer, for every variant and several image sizes."""

import pytest

from swin_np.baselines.padded_windows import window_key_value_bytes
from swin_np.baselines.sliding_window import naive_key_value_bytes
from swin_np.complexity import layer_costs, msa_multiply_adds, window_msa_multiply_adds
from swin_np.variants import VARIANTS
from tests.notebooks.browser import needs_chromium

pytestmark = needs_chromium


@pytest.mark.parametrize("image", [(224, 224), (384, 256), (231, 517), (32, 1000), (4, 4)])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_layer_costs_what_the_library_says(browser, explorer, variant, image):
    got = browser.evaluate(f"explorer.costs.layers(explorer.data.variants.{variant}, {list(image)})")
    right = layer_costs(VARIANTS[variant], image)
    assert [(layer["name"], tuple(layer["shape"]), layer["parameters"], layer["multiplyAdds"], layer["bytes"])
            for layer in got] == [(cost.name, cost.output_shape, cost.parameters, cost.multiply_adds,
                                   cost.activation_bytes) for cost in right]


@pytest.mark.parametrize(("h", "w"), [(56, 56), (14, 28), (7, 70)])
def test_attention_costs_what_equations_1_and_2_say(explorer, h, w):
    assert explorer("attentionCosts.globalMultiplyAdds", h, w, 96) == msa_multiply_adds(h, w, 96)
    assert explorer("attentionCosts.windowMultiplyAdds", h, w, 96, [7, 7]) == window_msa_multiply_adds(h, w, 96, 7)


@pytest.mark.parametrize(("h", "w"), [(56, 56), (13, 28), (6, 40)])
def test_keys_and_values_are_read_as_often_as_the_library_says(explorer, h, w):
    assert explorer("attentionCosts.windowBytes", [h, w], 96, [7, 7]) == window_key_value_bytes((h, w), 96, 7)
    assert explorer("attentionCosts.slidingBytes", [h, w], 96, [7, 7]) == naive_key_value_bytes((h, w), 96, 7)
