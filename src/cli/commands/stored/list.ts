import type { Command } from 'commander'
import { addChoice, Choice, type ChoiceOptions } from '../../stored/choice.js'
import { withStorage } from '../../stored/storage.js'
import type { Kind, Store } from '../../stored/store.js'
import { tableOf, type Summary } from '../../stored/text.js'
import { number } from '../../progress.js'
import { wholeNumber, type Settings } from '../../settings.js'
import type { Terminal } from '../../terminal.js'

type Options = Settings & ChoiceOptions & { limit: number }

const HELP = `
Every message is taken and given back, so that they keep their order. One that another process holds for a moment is not
seen.`

export function addList(group: Command, kind: Kind, terminal: Terminal): void {
  const command = group.command('list').description(`list ${kind.word} messages, from the head of their queue`)
  if (kind.argument) command.argument(...kind.argument)
  addChoice(command, kind)
    .option('--limit <n>', 'messages shown at most; counted are all', wholeNumber, 100)
    .addHelpText('after', HELP)
    .action(async function (this: Command) {
      await list(kind.storeOf(this.args), this.optsWithGlobals(), terminal)
    })
}

async function list(store: Store, options: Options, terminal: Terminal): Promise<void> {
  const progress = terminal.progress('looking', 'messages')
  const look = withStorage(options, terminal, store, async (queue) => {
    const choice = new Choice(options, store)
    const found: Summary[] = []
    const reasons = new Map<string, number>()
    let [looked, count] = [0, 0]
    for await (const stored of queue.messages()) {
      progress.update(++looked, looked / queue.count)
      if (!choice.has(stored)) continue
      count++
      const reason = store.reasonOf?.(stored)
      if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      if (found.length < options.limit) found.push(store.summaryOf(stored))
    }
    return { found, count, reasons: [...reasons].sort(([, one], [, other]) => other - one) }
  })
  const { found, count, reasons } = await look.finally(() => progress.end())
  if (terminal.json) {
    for (const one of found) if (!(await terminal.printJson(one))) return
    if (store.reasonOf) await terminal.printJson({ count, reasons: Object.fromEntries(reasons) })
    return
  }
  await terminal.print(found.length > 0 ? tableOf(found, store.columns) : `${number(count)} ${store.word}`)
  if (reasons.length > 0) await terminal.print(reasons.map(([reason, n]) => `${number(n)} ${reason}`).join(', '))
  if (found.length < count) terminal.note(`${number(found.length)} of ${number(count)} (--limit)`)
}
