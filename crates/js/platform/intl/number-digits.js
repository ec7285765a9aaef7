// How many digits a number is shown with: what the options ask for, and a number made to fit.
import { chooser, within } from './locales.js';
import { rounded, significant, written } from './decimals.js';

const oneOf = chooser('Intl.NumberFormat');

const MODES = ['ceil', 'floor', 'expand', 'trunc', 'halfCeil', 'halfFloor', 'halfExpand', 'halfTrunc', 'halfEven'];

export function digitOptions(given, least, most, notation) {
  const minimumIntegerDigits = within(given, 'minimumIntegerDigits', 1, 21, 1);
  const { minimumFractionDigits: leastGiven, maximumFractionDigits: mostGiven } = given;
  const { minimumSignificantDigits: fewest, maximumSignificantDigits: greatest } = given;
  const mode = oneOf(given, 'roundingMode', MODES, 'halfExpand');
  const asked = oneOf(given, 'roundingPriority', ['auto', 'morePrecision', 'lessPrecision'], 'auto');
  const zeros = oneOf(given, 'trailingZeroDisplay', ['auto', 'stripIfInteger'], 'auto');
  const digits = { minimumIntegerDigits };
  const bySignificant = fewest !== undefined || greatest !== undefined;
  const byFraction = leastGiven !== undefined || mostGiven !== undefined;
  let priority = asked;
  if (bySignificant) {
    digits.minimumSignificantDigits = within(given, 'minimumSignificantDigits', 1, 21, 1);
    digits.maximumSignificantDigits = within(given, 'maximumSignificantDigits', digits.minimumSignificantDigits, 21, 21);
  }
  if (asked !== 'auto' && !bySignificant) {
    digits.minimumSignificantDigits = 1;
    digits.maximumSignificantDigits = 21;
  }
  if (!bySignificant || asked !== 'auto') {
    if (byFraction) fractions(digits, given, least, most);
    else if (notation === 'compact' && asked === 'auto') {
      Object.assign(digits, {
        minimumFractionDigits: 0, maximumFractionDigits: 0, minimumSignificantDigits: 1, maximumSignificantDigits: 2,
      });
      priority = 'morePrecision';
    } else Object.assign(digits, { minimumFractionDigits: least, maximumFractionDigits: most });
  }
  const { minimumIntegerDigits: whole, ...rest } = digits;
  const ordered = { minimumIntegerDigits: whole };
  for (const name of ['minimumFractionDigits', 'maximumFractionDigits', 'minimumSignificantDigits', 'maximumSignificantDigits']) {
    if (rest[name] !== undefined) ordered[name] = rest[name];
  }
  return { digits: ordered, mode, priority, zeros };
}

function fractions(digits, given, least, most) {
  const fewest = within(given, 'minimumFractionDigits', 0, 100, undefined);
  const greatest = within(given, 'maximumFractionDigits', 0, 100, undefined);
  if (fewest !== undefined && greatest !== undefined && fewest > greatest) {
    throw new RangeError('maximumFractionDigits value is out of range.');
  }
  digits.minimumFractionDigits = fewest ?? Math.min(least, greatest);
  digits.maximumFractionDigits = greatest ?? Math.max(most, fewest);
}

// The digits before and after the point. Of both ways to round the priority chooses.
export function roundDigits(decimal, { digits, mode, priority, zeros }) {
  const { maximumFractionDigits: fraction, maximumSignificantDigits: figures } = digits;
  const least = digits.minimumIntegerDigits;
  let result;
  if (figures === undefined) result = behindPoint(decimal, digits, mode);
  else if (fraction === undefined) result = byFigures(decimal, digits, mode);
  else {
    const places = figures - (decimal.digits ? decimal.point : 1); // behind the point, by significant digits
    const finer = places >= fraction;
    result = finer === (priority === 'morePrecision') ? byFigures(decimal, digits, mode) : behindPoint(decimal, digits, mode);
  }
  if (zeros === 'stripIfInteger' && /^0*$/.test(result.fraction)) result.fraction = '';
  return { ...result, whole: result.whole.padStart(least, '0') };
}

function behindPoint(decimal, digits, mode) {
  const value = rounded(decimal, digits.maximumFractionDigits, mode);
  return { value, ...written(value, 1, digits.minimumFractionDigits) };
}

function byFigures(decimal, digits, mode) {
  const value = significant(decimal, digits.maximumSignificantDigits, mode);
  const whole = value.digits ? value.point : 1;
  return { value, ...written(value, 1, Math.max(0, digits.minimumSignificantDigits - whole)) };
}
