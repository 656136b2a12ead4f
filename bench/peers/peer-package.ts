import { readFile } from 'node:fs/promises'

const MODULES = new URL('node_modules/', import.meta.url)

/** Loads a package of bench/peers/package.json. The caller types what it uses: dueque is checked without these packages. */
export async function peerPackage<T>(name: string): Promise<T> {
  return (await import(name)) as T
}

export async function peerVersion(name: string): Promise<string> {
  const text = await readFile(new URL(`${name}/package.json`, MODULES), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
