// Typed arrays: a product of matrices, an image that is blurred, a histogram.
const N = 24, W = 96, H = 64;
const a = new Float64Array(N * N).map((_, i) => (i % 7) + 0.5);
const b = new Float64Array(N * N).map((_, i) => (i % 5) - 1.5);
const image = new Uint8ClampedArray(W * H).map((_, i) => ((i * 37) ^ (i >> 3)) % 256);

export function run() {
  const c = new Float64Array(N * N);
  for (let i = 0; i < N; i++) {
    for (let j = 0; j < N; j++) {
      let sum = 0;
      for (let k = 0; k < N; k++) sum += a[i * N + k] * b[k * N + j];
      c[i * N + j] = sum;
    }
  }
  const blurred = new Uint8ClampedArray(W * H);
  for (let y = 1; y < H - 1; y++) {
    for (let x = 1; x < W - 1; x++) {
      const at = y * W + x;
      blurred[at] = (image[at - W] + image[at - 1] + 4 * image[at] + image[at + 1] + image[at + W]) / 8;
    }
  }
  const histogram = new Uint32Array(256);
  for (let i = 0; i < blurred.length; i++) histogram[blurred[i]]++;
  return `${c[N + 1]} ${blurred[5 * W + 7]} ${histogram[100]}`;
}
