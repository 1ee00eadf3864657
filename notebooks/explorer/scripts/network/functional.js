/** The ground floor: what swin_np/functional.py gives, on rows of numbers in float64. */
explorer.functional = (() => {
  /** x (rows, inputs) W^T + b, with W (outputs, inputs) and b (outputs) or null. @returns {Float64Array} */
  function linear(x, { values: weight, shape: [outputs, inputs] }, bias) {
    const rows = x.length / inputs, y = new Float64Array(rows * outputs);
    for (let row = 0; row < rows; row++) {
      for (let output = 0; output < outputs; output++) {
        let sum = bias ? bias.values[output] : 0;
        for (let i = 0; i < inputs; i++) sum += x[row * inputs + i] * weight[output * inputs + i];
        y[row * outputs + output] = sum;
      }
    }
    return y;
  }

  /** Ba et al. 2016: mean 0 and (biased) variance 1 over the last axis, scaled and moved; x (rows, C). */
  function layerNorm(x, weight, bias, eps = 1e-5) {
    const channels = weight.values.length, y = new Float64Array(x.length);
    for (let start = 0; start < x.length; start += channels) {
      let mean = 0, variance = 0;
      for (let i = 0; i < channels; i++) mean += x[start + i] / channels;
      for (let i = 0; i < channels; i++) variance += (x[start + i] - mean) ** 2 / channels;
      const scale = 1 / Math.sqrt(variance + eps);
      for (let i = 0; i < channels; i++) {
        y[start + i] = (x[start + i] - mean) * scale * weight.values[i] + bias.values[i];
      }
    }
    return y;
  }

  /** exp(x) / sum exp(x) of one row. @returns {Float64Array} */
  function softmax(row) {
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const exponentials = Float64Array.from(row, (value) => Math.exp(value - largest));
    const total = exponentials.reduce((sum, value) => sum + value, 0);
    return exponentials.map((value) => value / total);
  }

  /**
   * The error function: its power series near 0, and a continued fraction for the rest, evaluated from its end.
   * The error is below 1e-12.
   */
  function erf(x) {
    const size = Math.abs(x);
    if (size > 6) return Math.sign(x);
    if (size < 2.5) {
      let term = x, sum = x;
      for (let n = 1; n < 60 && Math.abs(term) > 1e-17; n++) {
        term *= -x * x / n;
        sum += term / (2 * n + 1);
      }
      return 2 / Math.sqrt(Math.PI) * sum;
    }
    let fraction = size;
    for (let k = 60; k > 0; k--) fraction = size + k / 2 / fraction;
    return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / fraction);
  }

  /** Hendrycks & Gimpel 2016, the exact form: x Phi(x). */
  function gelu(x) {
    return x.map((value) => value * (0.5 + 0.5 * erf(value / Math.SQRT2)));
  }

  /** The sum of two arrays of one shape. */
  function add(x, y) {
    return x.map((value, i) => value + y[i]);
  }

  return { linear, layerNorm, softmax, erf, gelu, add };
})();
