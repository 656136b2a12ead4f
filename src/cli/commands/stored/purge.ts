import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import type { StorageQueue } from '../../../operate/failed/failed-queue.js'
import { EXIT, usage } from '../../exit.js'
import { number } from '../../progress.js'
import type { Settings } from '../../settings.js'
import { addChoice, Choice, type ChoiceOptions } from '../../stored/choice.js'
import { notFound, withStorage } from '../../stored/storage.js'
import type { Kind, Store } from '../../stored/store.js'
import type { Terminal } from '../../terminal.js'

type Options = Settings & ChoiceOptions & { yes?: boolean }

const HELP = `
Removes for good. Asks first on a terminal; anywhere else --yes is needed. Exits with 1 if the answer is no.`

export function addPurge(group: Command, kind: Kind, terminal: Terminal): void {
  const command = group.command('purge').description(`remove ${kind.word} messages for good (default: all)`)
  if (kind.argument) command.argument(...kind.argument)
  addChoice(command, kind)
    .option('--yes', 'do not ask')
    .addHelpText('after', HELP)
    .action(async function (this: Command) {
      await purge(kind.storeOf(this.args), this.optsWithGlobals(), terminal)
    })
}

async function purge(store: Store, options: Options, terminal: Terminal): Promise<void> {
  if (!options.yes && !process.stdin.isTTY) throw usage('purge removes messages for good: confirm with --yes')
  const { code, removed } = await withStorage(options, terminal, store, async (queue) => {
    const choice = new Choice(options, store)
    const isAll = Choice.isAll(options)
    const what = isAll ? `all ${number(queue.count)} messages` : `the messages ${choice.toString()}`
    if (!options.yes && !(await isConfirmed(`Remove ${what} of ${queue.name} for good?`))) {
      return { code: EXIT.partial, removed: 0 }
    }
    const count = isAll ? await queue.purge() : await removeSome(queue, choice)
    if (choice.missing.length > 0) terminal.error(notFound(choice.missing, queue.name))
    return { code: choice.missing.length > 0 ? EXIT.partial : EXIT.ok, removed: count }
  })
  await (terminal.json ? terminal.printJson({ removed }) : terminal.print(`${number(removed)} removed`))
  process.exitCode = code
}

async function removeSome(queue: StorageQueue, choice: Choice): Promise<number> {
  let removed = 0
  for await (const stored of queue.messages()) {
    if (!choice.has(stored)) continue
    queue.remove(stored)
    removed++
  }
  await queue.settle()
  return removed
}

async function isConfirmed(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    // Ctrl-D is no answer, and so no.
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
    const answer = await Promise.race([lines.question(`${question} [y/N] `), closed])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}
