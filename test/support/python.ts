import { execFileSync } from 'node:child_process'

export const NO_PIKA = 'skipped: no Python with pika; apt-get install python3-pika gives one'

/** The pika of Debian needs the Python of Debian, and another Python may come first on the PATH. */
export function pythonWithPika(): string | undefined {
  return ['python3', '/usr/bin/python3'].find((program) => {
    try {
      execFileSync(program, ['-c', 'import pika'], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
}
