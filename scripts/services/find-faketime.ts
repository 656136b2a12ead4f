import { existsSync, readdirSync } from 'node:fs'
import { install } from '../broker/debian.js'
import { programsOf } from '../broker/find-service.js'

const FOLDERS = ['/usr/lib', '/usr/local/lib']

/**
 * libfaketime, by which a test sets the wall clock of a process: it is installed if it is missing and can be, and
 * undefined otherwise. https://github.com/wolfcw/libfaketime
 */
export async function findFaketime(): Promise<string | undefined> {
  await programsOf({ programs: ['faketime'], folders: ['/usr/bin'], install: () => install('faketime') })
  return FOLDERS.filter((folder) => existsSync(folder))
    .flatMap((folder) => [folder, ...readdirSync(folder).map((name) => `${folder}/${name}`)])
    .map((folder) => `${folder}/faketime/libfaketime.so.1`)
    .find((file) => existsSync(file))
}
