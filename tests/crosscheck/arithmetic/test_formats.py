"""Number formats against PyTorch's own."""

import numpy as np
import pytest

from swin_np.crosscheck.arithmetic import formats

torch = pytest.importorskip("torch")

from oracle import reduced_precision as theirs  # noqa: E402


def numbers(seed: int, scale: float) -> np.ndarray:
    """Of all sizes, with halfway cases, zeros and the ends of the formats among them, (64, 32) float32."""
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal((64, 32)) * scale * 10.0 ** rng.integers(-6, 3, (64, 32))).astype(np.float32)
    x[0] = np.linspace(-2, 2, 32)
    x[1, :4] = 0, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-11
    return x


@pytest.mark.parametrize("scale", [1e-3, 1, 50])
@pytest.mark.parametrize(("own", "dtype"), [
    (formats.BFLOAT16, torch.bfloat16), (formats.FLOAT16, torch.float16)])
def test_sixteen_bits_are_those_of_torch(own, dtype, scale):
    x = numbers(0, scale)
    np.testing.assert_array_equal(own(x), torch.from_numpy(x).to(dtype).float().numpy())


@pytest.mark.parametrize("scale", [1e-3, 1, 50])
@pytest.mark.parametrize(("own", "dtype", "largest"), [
    (formats.E4M3, torch.float8_e4m3fn, 448), (formats.E5M2, torch.float8_e5m2, 57344)])
def test_eight_bits_are_those_of_torch_after_the_scale(own, dtype, largest, scale):
    x = numbers(1, scale)
    unit = np.float32(np.abs(x).max() / largest)
    expected = torch.from_numpy((x / unit).clip(-largest, largest)).to(dtype).float().numpy() * unit
    np.testing.assert_array_equal(own(x), expected)
    clipped = torch.from_numpy(x.clip(-448, 448)).to(torch.float8_e4m3fn).float().numpy()
    np.testing.assert_array_equal(formats.E4M3_UNSCALED(x), clipped)


@pytest.mark.parametrize(("own", "other"), [
    (formats.TF32, lambda x: theirs.tf32(x, truncated=False)),
    (formats.TF32_TRUNCATED, lambda x: theirs.tf32(x, truncated=True)),
    (formats.INT8, lambda x: theirs.integers(x, 8, per_row=False)),
    (formats.INT8_ROWS, lambda x: theirs.integers(x, 8, per_row=True)),
    (next(each for each in formats.OF_WEIGHTS if each.name == "int4, a scale for every 16"), theirs.int4_groups)])
def test_the_other_formats_are_those_of_the_oracle(own, other):
    x = numbers(2, 1)
    np.testing.assert_allclose(own(x), other(torch.from_numpy(x)).numpy(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("per_row", [False, True])
def test_integers_with_one_more_below_0_are_those_of_torchs_observers(per_row):
    x = torch.from_numpy(numbers(3, 1))
    name = f"int8, a scale for each {'row' if per_row else 'tensor'}, -128 included"
    observer = (torch.ao.quantization.PerChannelMinMaxObserver if per_row else torch.ao.quantization.MinMaxObserver)(
        dtype=torch.qint8, qscheme=torch.per_channel_symmetric if per_row else torch.per_tensor_symmetric)
    observer(x)
    scale, zero = observer.calculate_qparams()
    quantised = (torch.quantize_per_channel(x, scale.double(), zero, 0, torch.qint8) if per_row
                 else torch.quantize_per_tensor(x, float(scale), int(zero), torch.qint8))
    own = next(each for each in formats.OF_WEIGHTS if each.name == name)
    differ = ~np.isclose(own(x.numpy()), quantised.dequantize().numpy(), rtol=1e-6, atol=0)
    sizes = np.abs(x.numpy())                          # the largest lies halfway, at 127.5
    assert (sizes == (sizes.max(axis=1, keepdims=True) if per_row else sizes.max()))[differ].all()


@pytest.mark.parametrize("bits", [7, 8])
def test_integers_with_a_zero_point_are_those_of_torch(bits):
    x = torch.from_numpy(numbers(4, 1)) + 3
    most = 2**bits - 1
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    scale = np.float32((high - low) / most)
    zero = round(-low / float(scale))
    own = next(each for each in formats.OF_ACTIVATIONS if each.name == f"uint{bits} with a zero point")
    quantised = torch.quantize_per_tensor(x, float(scale), zero, torch.quint8).dequantize()
    assert np.abs(own(x.numpy()) - quantised.numpy()).max() <= 1e-5 * high


@pytest.mark.parametrize("each", [each for each in formats.OF_ACTIVATIONS + formats.OF_WEIGHTS
                                  if "-128" not in each.name], ids=lambda each: each.name)
def test_what_is_in_a_format_stays_and_zeros_too(each):
    once = each(numbers(5, 1))
    assert once.dtype == np.float32
    np.testing.assert_allclose(each(once), once, rtol=1e-5, atol=1e-30)
    assert not each(np.zeros((4, 16), np.float32)).any()
