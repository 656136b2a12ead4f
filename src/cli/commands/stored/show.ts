import type { Command } from 'commander'
import type { Settings } from '../../settings.js'
import { idOf, notFound, withStorage } from '../../stored/storage.js'
import type { Kind, Store } from '../../stored/store.js'
import { detailsOf, textOfDetails } from '../../stored/text.js'
import type { Terminal } from '../../terminal.js'

type Options = Settings & { full?: boolean }

export function addShow(group: Command, kind: Kind, terminal: Terminal): void {
  const command = group
    .command('show')
    .description(`show one ${kind.word} message: properties, headers and body (base64 if it is not UTF-8)`)
  if (kind.argument) command.argument(...kind.argument)
  command
    .argument('<id>', 'if there are copies, the first is shown')
    .option('--full', 'the whole body, instead of its first 1000 bytes')
    .action(async function (this: Command) {
      await show(kind.storeOf(this.args), this.args.at(-1)!, this.optsWithGlobals(), terminal)
    })
}

async function show(store: Store, id: string, options: Options, terminal: Terminal): Promise<void> {
  const stored = await withStorage(options, terminal, store, async (queue) => {
    for await (const one of queue.messages()) if (idOf(one) === id) return one
    throw notFound([id], queue.name)
  })
  const [summary, details] = [store.summaryOf(stored), detailsOf(stored, options.full ?? false)]
  if (terminal.json) await terminal.printJson({ ...summary, ...details })
  else await terminal.print(textOfDetails(summary, store.rows, details))
}
