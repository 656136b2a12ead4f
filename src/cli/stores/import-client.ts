import { usage } from '../exit.js'

/** A package that may be installed, and how it is used. */
export interface ClientPackage<T> {
  readonly name: string
  use: (module: unknown) => T
}

/**
 * Imports the first package that is installed: dueque itself brings no client of a store.
 *
 * @throws CommandError that says what to install
 */
export async function importClient<T>(option: string, packages: readonly ClientPackage<T>[]): Promise<T> {
  for (const { name, use } of packages) {
    try {
      return use((await import(name)) as unknown)
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    }
  }
  const names = packages.map(({ name }) => name)
  throw usage(`${option} needs a client beside dueque: npm install ${names.join(', or npm install ')}`)
}
