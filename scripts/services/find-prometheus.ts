import { install } from '../broker/debian.js'
import { programsOf } from '../broker/find-service.js'

/** Folder of prometheus, which is installed if it is missing and can be; otherwise undefined. */
export function prometheusPrograms(): Promise<string | undefined> {
  return programsOf({ programs: ['prometheus'], folders: ['/usr/bin'], install: () => install('prometheus') })
}
