/**
 * Doubles as text, as Redis 7.2 writes them in replies and scores. Source: spec server.md section 20.3.
 *
 * The shortest digits that read back as the same double are those of ECMAScript; where the decimal point goes is laid out by Redis's own rules.
 */

const INTEGRAL_MAX = 2 ** 62;

export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (value === Number.POSITIVE_INFINITY) return 'inf';
  if (value === Number.NEGATIVE_INFINITY) return '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (Number.isInteger(value) && Math.abs(value) <= INTEGRAL_MAX) return BigInt(value).toString();
  const [mantissa, exponentText] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const sign = value < 0 ? '-' : '';
  // value = digits × 10^scale
  const scale = Number(exponentText) - (digits.length - 1);
  return sign + layOut(digits, scale);
}

function layOut(digits: string, scale: number): string {
  const count = digits.length;
  const exponent = scale + count - 1;
  if (scale >= 0 && Math.abs(exponent) < count + 7) return digits + '0'.repeat(scale);
  if (scale < 0 && (scale > -7 || Math.abs(exponent) < 4)) {
    const point = count + scale;
    return point > 0 ? `${digits.slice(0, point)}.${digits.slice(point)}` : `0.${'0'.repeat(-point)}${digits}`;
  }
  const fraction = count > 1 ? `.${digits.slice(1)}` : '';
  return `${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
}
