import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { canInstall } from './debian.js'

export interface Installed {
  /** The programs that must be in one folder. */
  programs: readonly string[]
  /** Folders to look into after those of the PATH. */
  folders: readonly string[]
  /** Installs them, on Debian or Ubuntu as root. */
  install(): Promise<void>
}

export interface Ways<Service> {
  /** A service that the environment names. Undefined if it names none. */
  given: (() => Promise<Service>) | undefined
  /** Undefined if there is no Docker engine that has or can have the image. */
  container(): Promise<Service | undefined>
  installed: Installed
  /** Starts a private service with the programs in a folder. */
  start(folder: string): Promise<Service>
  /** The error text if none of these is available. */
  choices: string
}

export interface FindOptions {
  /** Installs missing programs, where it can. @default true */
  mayInstall?: boolean
  /** Prefers a private service that keeps its data when it is killed, and can be restarted, to Docker. @default false */
  isDurable?: boolean
}

/** The first available service. Docker is skipped if DUEQUE_BROKER is `local`. */
export async function findService<Service>(
  ways: Ways<Service>,
  { mayInstall = true, isDurable = false }: FindOptions = {},
): Promise<Service> {
  if (ways.given) return ways.given()
  const isLocal = process.env['DUEQUE_BROKER'] === 'local' || (isDurable && folderOf(ways.installed) !== undefined)
  const contained = isLocal ? undefined : await ways.container()
  if (contained) return contained
  const folder = mayInstall ? await programsOf(ways.installed) : folderOf(ways.installed)
  if (folder === undefined) throw new Error(ways.choices)
  return ways.start(folder)
}

/** The folder of installed programs. They are installed if they are missing and can be; otherwise undefined. */
export async function programsOf(installed: Installed): Promise<string | undefined> {
  const found = folderOf(installed)
  if (found !== undefined || !canInstall()) return found
  await installed.install()
  return folderOf(installed)
}

function folderOf({ programs, folders }: Installed): string | undefined {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return [...path, ...folders].find((folder) => programs.every((program) => existsSync(join(folder, program))))
}
