/** Lanczos, g = 7, n = 9 (Godfrey's coefficients): relative error below 1e-14 for x ≥ 1. */
const LANCZOS: readonly [number, ...number[]] = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];
const LANCZOS_G = 7;

const MAX_TERMS = 10_000;
const PRECISION = 1e-15;
/** Lentz: what takes the place of a zero denominator. */
const TINY = 1e-300;
/** Halvings of 0 … 1: the last ones are below what a double can tell apart. */
const HALVINGS = 60;

/** ln Γ(x), x ≥ 1. */
export function logGamma(x: number): number {
  const [first, ...rest] = LANCZOS;
  const sum = rest.reduce((total, coefficient, i) => total + coefficient / (x + i), first);
  const t = x + LANCZOS_G - 0.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/**
 * Regularized incomplete beta function I_x(a, b) = P(X ≤ x) of X ~ Beta(a, b), a and b ≥ 1.
 * The continued fraction of DLMF 8.17.22 by the modified Lentz method (Numerical Recipes, 3rd ed., §6.4); it converges in
 * O(√max(a, b)) terms for x < (a+1)/(a+b+2), and elsewhere I_x(a, b) = 1 − I_{1−x}(b, a) takes its place.
 */
export function regularizedBeta(x: number, a: number, b: number): number {
  if (!(a >= 1 && b >= 1)) throw new RangeError(`Beta(${a}, ${b}) is not one with parameters of 1 and more`);
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2)
    ? (front * continuedFraction(x, a, b)) / a
    : 1 - (front * continuedFraction(1 - x, b, a)) / b;
}

function continuedFraction(x: number, a: number, b: number): number {
  const away = (value: number) => (Math.abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let h = d;
  for (let m = 1; m <= MAX_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    h *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    const step = d * c;
    h *= step;
    if (Math.abs(step - 1) < PRECISION) break;
  }
  return h;
}

/** The x with I_x(a, b) = p, by bisection: I is monotone in x, and this needs no good first guess. */
export function betaQuantile(p: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (regularizedBeta(middle, a, b) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
