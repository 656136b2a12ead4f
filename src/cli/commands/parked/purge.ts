import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import type { StorageQueue } from '../../../amqp/storage-queue.js'
import { EXIT, usage } from '../../exit.js'
import { number } from '../../progress.js'
import { collect, type Settings } from '../../settings.js'
import { Ids, notFound, withStorage } from '../../storage.js'
import { plain, type Terminal } from '../../terminal.js'

type Options = Settings & { id?: string[]; yes?: boolean }

const HELP = `
Removes for good. Asks first on a terminal; anywhere else --yes is needed. Exits with 1 if the answer is no.`

export function addPurge(parked: Command, terminal: Terminal): void {
  parked
    .command('purge')
    .description('remove parked messages for good')
    .option('--id <id>', 'just this one, and its copies; may be given several times (default: all)', collect)
    .option('--yes', 'do not ask')
    .addHelpText('after', HELP)
    .action(async (_options: Options, command: Command) => purge(command.optsWithGlobals(), terminal))
}

async function purge(options: Options, terminal: Terminal): Promise<void> {
  if (!options.yes && !process.stdin.isTTY) throw usage('purge removes messages for good: confirm with --yes')
  const { code, removed } = await withStorage(
    options,
    terminal,
    ({ parked }) => parked,
    async (queue) => {
      if (!options.yes && !(await isConfirmed(options, queue))) return { code: EXIT.partial, removed: 0 }
      const ids = new Ids(options.id)
      const count = options.id ? await removeSome(queue, ids) : await queue.purge()
      if (ids.missing.length > 0) terminal.error(notFound(ids.missing, queue.name))
      return { code: ids.missing.length > 0 ? EXIT.partial : EXIT.ok, removed: count }
    },
  )
  await (terminal.json ? terminal.printJson({ removed }) : terminal.print(`${number(removed)} removed`))
  process.exitCode = code
}

async function removeSome(queue: StorageQueue, ids: Ids): Promise<number> {
  let removed = 0
  for await (const stored of queue.messages()) {
    if (!ids.has(stored)) continue
    queue.remove(stored)
    removed++
  }
  return removed
}

async function isConfirmed({ id }: Options, { name, count }: StorageQueue): Promise<boolean> {
  const what = id ? `the messages ${id.map((one) => plain(one)).join(', ')}` : `all ${number(count)} messages`
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    // Ctrl-D is no answer, and so no.
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
    const answer = await Promise.race([lines.question(`Remove ${what} of ${name} for good? [y/N] `), closed])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}
