/** Reads one part of a JSON document. @throws ShapeError if it has another shape */
export type Read<T> = (value: unknown) => T

/** The type that a reader returns. */
export type Shape<R> = R extends Read<infer T> ? T : never

/** The document has another shape than expected. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError'
}

export const text: Read<string> = ofType('string')
export const number: Read<number> = ofType('number')
export const flag: Read<boolean> = ofType('boolean')

export const record: Read<Record<string, unknown>> = (value) => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new ShapeError('expected an object')
}

/** The fields that are named; further ones are left out. */
export function object<T extends object>(fields: { readonly [K in keyof T]: Read<T[K]> }): Read<T> {
  const readers = Object.entries<Read<unknown>>(fields)
  return (value) => {
    const given = record(value)
    return Object.fromEntries(readers.map(([name, read]) => [name, read(given[name])])) as T
  }
}

export function list<T>(read: Read<T>): Read<T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw new ShapeError('expected a list')
    return value.map(read)
  }
}

/** `instead` of a value that is missing. */
export function or<T, D>(read: Read<T>, instead: D): Read<T | D> {
  return (value) => (value === undefined ? instead : read(value))
}

export function oneOf<T extends string>(...values: readonly T[]): Read<T> {
  return (value) => {
    const found = values.find((one) => one === value)
    if (found === undefined) throw new ShapeError(`expected ${values.join(' or ')}`)
    return found
  }
}

/** In another form. */
export function as<T, U>(read: Read<T>, form: (value: T) => U): Read<U> {
  return (value) => form(read(value))
}

function ofType<T>(type: 'string' | 'number' | 'boolean'): Read<T> {
  return (value) => {
    if (typeof value !== type) throw new ShapeError(`expected a ${type}`)
    return value as T
  }
}
