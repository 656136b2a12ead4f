import { listDeadQueues, type DeadQueue } from '../../operate/failed/list-dead-queues.js'
import { number } from '../progress.js'
import { operatorOptions, type OperatorFlags } from '../settings.js'
import { tableOf, type Column } from '../table.js'
import type { Terminal } from '../terminal.js'

/** Lists the dead queues of a namespace. */
export async function listQueuesOf(flags: OperatorFlags & { limit: number }, terminal: Terminal): Promise<void> {
  const { limit } = flags
  const { queues, count } = await terminal.tracking('looking', 'queues', (onProgress) =>
    listDeadQueues({ ...operatorOptions(flags, terminal), limit, onProgress }),
  )
  if (terminal.json) {
    for (const one of queues) if (!(await terminal.printJson(jsonOf(one)))) return
    await terminal.printJson({ count })
    return
  }
  await terminal.print(queues.length > 0 ? tableOf(queues, COLUMNS, terminal.times) : '0 dead')
  if (queues.some(({ messages, head }) => head && head.looked < messages))
    terminal.note('the oldest death and the reasons are those of the first 100 messages of each queue')
  if (queues.length < count.queues)
    terminal.note(`${number(queues.length)} of ${number(count.queues)} queues (--limit)`)
}

const COLUMNS: readonly Column<DeadQueue>[] = [
  ['queue', ({ queue }) => queue],
  ['dead', ({ messages }) => messages],
  ['oldest', ({ head }) => head?.oldestAt],
  ['reasons', ({ head }) => head && reasonsText(head.reasons)],
]

function reasonsText(reasons: ReadonlyMap<string, number>): string {
  return [...reasons].map(([reason, count]) => `${number(count)} ${reason}`).join(', ')
}

function jsonOf({ queue, deadQueue, messages, head }: DeadQueue): object {
  const { looked = 0, oldestAt = null, reasons = [] } = head ?? {}
  return { queue, deadQueue, messages, oldestAt, looked, reasons: Object.fromEntries(reasons) }
}
