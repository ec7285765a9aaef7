// util.parseArgs: command lines as values and positionals, by a table of options.
import { coded, invalidArgValue } from './errors.js';
import { validateArray, validateBoolean, validateObject, validateOneOf, validateString } from './validators.js';

function fail(code, message) {
  return coded(TypeError, code, message);
}

function checkOptions(options) {
  validateObject(options, 'options');
  for (const [name, option] of Object.entries(options)) {
    validateObject(option, `options.${name}`);
    validateOneOf(option.type, `options.${name}.type`, ['string', 'boolean']);
    if (Object.hasOwn(option, 'short')) {
      validateString(option.short, `options.${name}.short`);
      if (option.short.length !== 1) throw invalidArgValue(`options.${name}.short`, option.short, 'must be a single character');
    }
    if (Object.hasOwn(option, 'multiple')) validateBoolean(option.multiple, `options.${name}.multiple`);
    if (option.default === undefined) continue;
    const check = option.type === 'string' ? validateString : validateBoolean;
    if (!option.multiple) check(option.default, `options.${name}.default`);
    else {
      validateArray(option.default, `options.${name}.default`);
      option.default.forEach((value, i) => check(value, `options.${name}.default[${i}]`));
    }
  }
}

const looksLikeOption = (text) => text !== undefined && text.length > 1 && text.startsWith('-');

function nameOfShort(short, options) {
  for (const [name, option] of Object.entries(options)) if (option.short === short) return name;
  return short;
}

const typeOf = (name, options) => (Object.hasOwn(options, name) ? options[name].type : undefined);

// The words of a command line as tokens; what may follow an option follows it where it takes a string.
function tokensOf(args, options) {
  const tokens = [];
  const queue = args.map((value, index) => ({ value, index }));
  while (queue.length > 0) {
    const { value: arg, index } = queue.shift();
    const next = queue[0];
    const option = (name, rawName, value, inlineValue) => tokens.push({ kind: 'option', name, rawName, index, value, inlineValue });
    if (arg === '--') {
      tokens.push({ kind: 'option-terminator', index });
      for (const { value, index: at } of queue.splice(0)) tokens.push({ kind: 'positional', index: at, value });
    } else if (/^-[^-]$/.test(arg)) {
      const name = nameOfShort(arg[1], options);
      const takes = typeOf(name, options) === 'string' && next !== undefined && !next.inside;
      option(name, arg, takes ? queue.shift().value : undefined, takes ? false : undefined);
    } else if (/^-[^-]./.test(arg)) {
      const name = nameOfShort(arg[1], options);
      if (typeOf(name, options) === 'string') option(name, arg.slice(0, 2), arg.slice(2), true);
      else {
        // A group of short options; the last may be a string's.
        const expanded = [];
        for (let i = 1; i < arg.length; i++) {
          const of = nameOfShort(arg[i], options);
          if (typeOf(of, options) !== 'string' || i === arg.length - 1) expanded.push({ value: `-${arg[i]}`, index });
          else {
            expanded.push({ value: `-${arg.slice(i)}`, index });
            break;
          }
        }
        queue.unshift(...expanded);
      }
    } else if (arg.startsWith('--')) {
      const equals = arg.indexOf('=', 3);
      if (equals > 0) option(arg.slice(2, equals), arg.slice(0, equals), arg.slice(equals + 1), true);
      else {
        const name = arg.slice(2);
        const takes = typeOf(name, options) === 'string' && next !== undefined;
        option(name, arg, takes ? queue.shift().value : undefined, takes ? false : undefined);
      }
    } else tokens.push({ kind: 'positional', index, value: arg });
  }
  return tokens;
}

function checkToken(token, options, allowPositionals, allowNegative) {
  const { name, rawName, value } = token;
  const negated = allowNegative && name.startsWith('no-') && typeOf(name.slice(3), options) === 'boolean';
  if (!Object.hasOwn(options, name) && !negated) {
    const hint = allowPositionals ? `. To specify a positional argument starting with a '-', place it at the end of the command after '--', as in '-- ${JSON.stringify(rawName)}` : '';
    throw fail('ERR_PARSE_ARGS_UNKNOWN_OPTION', `Unknown option '${rawName}'${hint}`);
  }
  const { short, type } = options[negated ? name.slice(3) : name];
  const shown = `${short ? `-${short}, ` : ''}--${name}`;
  if (type === 'string' && typeof value !== 'string') {
    throw fail('ERR_PARSE_ARGS_INVALID_OPTION_VALUE', `Option '${shown} <value>' argument missing`);
  }
  if (type === 'boolean' && value !== undefined && value !== null) {
    throw fail('ERR_PARSE_ARGS_INVALID_OPTION_VALUE', `Option '${shown}' does not take an argument`);
  }
  if (type === 'string' && !token.inlineValue && looksLikeOption(value)) {
    const example = rawName.startsWith('--') ? `'${rawName}=-XYZ'` : `'--${name}=-XYZ' or '${rawName}-XYZ'`;
    throw fail('ERR_PARSE_ARGS_INVALID_OPTION_VALUE', `Option '${rawName}' argument is ambiguous.\n` +
      `Did you forget to specify the option argument for '${rawName}'?\n` +
      `To specify an option argument starting with a dash use ${example}.`);
  }
}

export function parseArgs(config = {}) {
  validateObject(config, 'config');
  const args = config.args ?? [];
  const strict = config.strict ?? true;
  const allowPositionals = config.allowPositionals ?? !strict;
  const wantsTokens = config.tokens ?? false;
  const allowNegative = config.allowNegative ?? false;
  const options = config.options ?? { __proto__: null };
  validateArray(args, 'args');
  validateBoolean(strict, 'strict');
  validateBoolean(allowPositionals, 'allowPositionals');
  validateBoolean(wantsTokens, 'tokens');
  validateBoolean(allowNegative, 'allowNegative');
  checkOptions(options);
  const tokens = tokensOf(args, options);
  const values = { __proto__: null };
  const positionals = [];
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (!allowPositionals) {
        throw fail('ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL',
          `Unexpected argument '${token.value}'. This command does not take positional arguments`);
      }
      positionals.push(token.value);
    } else if (token.kind === 'option') {
      if (strict) checkToken(token, options, allowPositionals, allowNegative);
      let { name, value } = token;
      if (name === '__proto__') continue;
      let set = value ?? true;
      if (allowNegative && value === undefined && name.startsWith('no-') && typeOf(name.slice(3), options) !== 'string') {
        name = name.slice(3);
        set = false;
        if (options[name]?.type !== 'boolean' && strict) continue;
      }
      if (options[name]?.multiple) (values[name] ??= []).push(set);
      else values[name] = set;
    }
  }
  for (const [name, option] of Object.entries(options)) {
    if (option.default !== undefined && values[name] === undefined) values[name] = option.default;
  }
  return wantsTokens ? { values, positionals, tokens } : { values, positionals };
}
