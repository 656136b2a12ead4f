import { DuequeError, invalidOption } from './errors.js'

/**
 * What is expected of a value that is not that; nothing, if it is. `undefined` counts as missing and is not asked about.
 * A rule may throw itself.
 */
export type Rule = (value: unknown, option: string) => string | undefined

type OptionOf<T> = T extends unknown ? keyof T & string : never

/** One rule for each option of an interface: an option without a rule does not compile. */
export type Rules<T> = Readonly<Record<OptionOf<T>, Rule>>

/**
 * Checks what a caller gave as options: their names, and each value by its rule.
 *
 * @param path of the object within the options, such as `retry`
 * @throws DuequeError `INVALID_OPTION`
 */
export function checkOptions(options: unknown, rules: Readonly<Record<string, Rule>>, path?: string): void {
  checkNames(options, rules, path)
  for (const name of Object.keys(rules)) {
    const value = (options as Record<string, unknown>)[name]
    if (value !== undefined) checkOne(path === undefined ? name : `${path}.${name}`, rules[name]!, value)
  }
}

/** @throws DuequeError `INVALID_OPTION` */
export function checkOne(option: string, rule: Rule, value: unknown): void {
  const expected = rule(value, option)
  if (expected !== undefined) throw invalidOption(option, expected, value)
}

/**
 * The names alone: for options that come with every message.
 *
 * @param known an object whose keys are the names
 * @throws DuequeError `INVALID_OPTION`
 */
export function checkNames(options: unknown, known: object, path?: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw noOptions(options, path)
  let found = false
  for (const name in options) {
    if (Object.hasOwn(known, name)) found = true
    // Something inherited may be anybody's.
    else if (Object.hasOwn(options, name)) checkUnknown(options, name, known, path)
  }
  if (!found && !mayHoldOptions(options, known)) throw noOptions(options, path)
}

/** A Map, a URL or a promise has no options of its own, and would be taken for none at all. */
function mayHoldOptions(options: object, known: object): boolean {
  return /^(Object|Module)$/.test(tagOf(options)) || Object.keys(known).some((name) => name in options)
}

function checkUnknown(options: object, name: string, known: object, path: string | undefined): void {
  if ((options as Record<string, unknown>)[name] === undefined) return
  if (!mayHoldOptions(options, known)) throw noOptions(options, path)
  const names = Object.keys(known)
  const near = nearest(name, names)
  const hint = near === undefined ? `expected one of ${names.join(', ')}` : `did you mean ${near}?`
  // Whatever else it is, it may hold a password.
  const option = (path === undefined ? '' : `${path}.`) + (/^[\w$-]{1,40}$/.test(name) ? name : '…')
  throw new DuequeError('INVALID_OPTION', `${option}: no such option; ${hint}`, { option })
}

/** Does not show a text: it may be a URL with a password. */
function noOptions(value: unknown, path = 'options'): DuequeError<'INVALID_OPTION'> {
  const kind = typeof value === 'object' && value !== null ? tagOf(value) : value === null ? 'null' : typeof value
  const hint = kind === 'Promise' ? ': await it' : ''
  return new DuequeError('INVALID_OPTION', `${path}: expected an object with options, got: ${kind}${hint}`, {
    option: path,
  })
}

/** Such as `Object`, `URL` or `Promise`, in whatever realm it was made. */
function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}

/** The name that was meant: another case, or up to two letters wrong, and no more than a third of them. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const most = Math.min(2, Math.floor(name.length / 3))
  const lower = name.toLowerCase()
  return known.find((other) => distance(lower, other.toLowerCase()) <= most)
}

/** Letters to add, remove or change. https://en.wikipedia.org/wiki/Levenshtein_distance */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]!
}

/** For what is checked elsewhere. */
export const anything: Rule = () => undefined

export const flag: Rule = (value) => (typeof value === 'boolean' ? undefined : 'true or false')

export const aText: Rule = (value) => (typeof value === 'string' ? undefined : 'a text')

export const nonEmptyText: Rule = (value) => (typeof value === 'string' && value !== '' ? undefined : 'a text')

export const texts: Rule = (value) =>
  Array.isArray(value) && value.every((one) => typeof one === 'string') ? undefined : 'a list of texts'

export const aFunction: Rule = (value) => (typeof value === 'function' ? undefined : 'a function')

/** Of any realm, or of a package that brings its own. */
export const anAbortSignal: Rule = (value) => {
  const { aborted, addEventListener } = Object(value) as Partial<AbortSignal>
  return typeof aborted === 'boolean' && typeof addEventListener === 'function' ? undefined : 'an AbortSignal'
}

/** A whole number that a JavaScript number holds exactly. */
export function isInteger(
  value: unknown,
  least = -Number.MAX_SAFE_INTEGER,
  most = Number.MAX_SAFE_INTEGER,
): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most
}

export function integer(least: number, most = Number.MAX_SAFE_INTEGER): Rule {
  const expected = `a whole number from ${least}${most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`}`
  return (value) => (isInteger(value, least, most) ? undefined : expected)
}

/** Infinity is for ever. */
export const milliseconds: Rule = (value) =>
  typeof value === 'number' && value >= 0 ? undefined : 'milliseconds, zero or more'

export function oneOf(...values: readonly string[]): Rule {
  const expected = values.map((value) => `'${value}'`).join(' or ')
  return (value) => (values.includes(value as string) ? undefined : expected)
}

/** Options within options. */
export function group(rules: Readonly<Record<string, Rule>>): Rule {
  return (value, option) => {
    checkOptions(value, rules, option)
    return undefined
  }
}
