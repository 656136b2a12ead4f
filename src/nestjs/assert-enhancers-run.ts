import { invalidOption } from '../base/errors.js'

/** A provider or controller, as Nest keeps it, and the module that it is in. */
interface Provided {
  readonly token: unknown
  readonly host?: { readonly injectables: Known; readonly controllers: Known } | undefined
}

interface Known {
  has(token: unknown): boolean
}

/** A method, with all that Nest's decorators say of it. */
interface Decorated {
  /** For people. */
  readonly label: string
  readonly host: object
  readonly method: object
  readonly parameters: object
}

/** Where Nest keeps the guards, interceptors, pipes and exception filters of a class or a method. */
const ENHANCERS = ['__guards__', '__interceptors__', '__pipes__', '__exceptionFilters__']

/**
 * Nest looks up an enhancer that is given by its class in the module of the provider. It finds none for a controller, and for an
 * object that a factory made, and then calls the method without it.
 *
 * @throws DuequeError `INVALID_OPTION` for an enhancer that would be skipped
 */
export function assertEnhancersRun({ token, host: module }: Provided, decorated: Decorated): void {
  const { label, host, method, parameters } = decorated
  const ofParameters = Object.values(parameters).flatMap(({ pipes }: { pipes?: readonly unknown[] }) => pipes ?? [])
  const all = [...enhancersOf(host), ...enhancersOf(method), ...ofParameters]
  const isFound = (enhancer: unknown) => module?.injectables.has(enhancer) === true && !module.controllers.has(token)
  const skipped = all.find((enhancer) => typeof enhancer === 'function' && !isFound(enhancer))
  if (typeof skipped !== 'function') return
  const expected =
    'a provider that is a class, or an instance of the guard, interceptor, pipe or filter, which Nest would skip here'
  throw invalidOption(label, expected, skipped.name)
}

function enhancersOf(target: object): unknown[] {
  return ENHANCERS.flatMap((key) => (Reflect.getMetadata(key, target) as unknown[] | undefined) ?? [])
}
