import type { PrivateNode } from '../../scripts/broker/private-node.js'
import { Declarer } from '../../src/amqp/topology/declarer.js'
import { Names } from '../../src/amqp/topology/names.js'
import { openConnection } from '../../src/amqp/connection/operator-connection.js'
import { HORIZONS } from '../../src/log/horizons.js'
import { readLines } from '../../src/log/lines.js'
import { cancellationLayout, journalLayout } from '../../src/log/log-layout.js'
import { operatorSettings } from '../../src/operate/operator-settings.js'
import { nodeApi } from './node-vhosts.js'
import { streamMessages } from './stream-messages.js'

const LAYOUTS = [journalLayout(new Names('dueque')), cancellationLayout(new Names('dueque'))]
const NAMES = String.raw`^dueque\.v1\.(journal|cancellations)`
const STREAMS = LAYOUTS.flatMap((layout) => layout.streams().map(({ name }) => name))

/** Declares the streams of the journal and of the cancellations, and nothing else. */
export async function declareStreams(url: string): Promise<void> {
  const settings = operatorSettings({ url, logger: false })
  const connection = await openConnection(settings)
  try {
    const declarer = new Declarer(connection, settings)
    for (const part of LAYOUTS.flatMap((layout) => layout.parts())) await declarer.declare(part)
  } finally {
    await connection.close()
  }
}

/** A shovel for each of these streams, as docs/operations/disaster-recovery.md shows them. Its user may declare nothing. */
export async function startShovels(node: PrivateNode, from: string, to: string): Promise<void> {
  await nodeApi(node, 'PUT', '/users/copier', { password: 'copier', tags: '' })
  await letRead(node, from)
  await nodeApi(node, 'PUT', `/permissions/${to}/copier`, { configure: '^$', write: `${NAMES}$`, read: '^$' })
  const host = new URL(node.url).host
  for (const layout of LAYOUTS)
    for (const horizon of HORIZONS) {
      const stream = layout.stream(horizon)
      const value = {
        'src-protocol': 'amqp091',
        'src-uri': `amqp://copier:copier@${host}/${from}`,
        'src-queue': stream,
        'src-consumer-args': { 'x-stream-offset': 'first' },
        'src-prefetch-count': 1000,
        'dest-protocol': 'amqp091',
        'dest-uri': `amqp://copier:copier@${host}/${to}`,
        'dest-exchange': layout.exchange,
        'dest-exchange-key': horizon.name,
        'ack-mode': 'on-confirm',
        'reconnect-delay': 1,
      }
      await nodeApi(node, 'PUT', `/parameters/shovel/${to}/${stream}`, { value })
    }
}

/** Gives the user of the shovels its rights at the source. A virtual host that is made anew has none of them. */
export async function letRead(node: PrivateNode, from: string): Promise<void> {
  await nodeApi(node, 'PUT', `/permissions/${from}/copier`, { configure: '^$', write: '^$', read: `${NAMES}\\..+$` })
}

/** How many records each of these streams has. */
export async function recordCounts(url: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const stream of STREAMS) {
    counts[stream] = 0
    for (const { content } of await streamMessages(url, stream))
      readLines(
        content,
        () => counts[stream]!++,
        () => undefined,
      )
  }
  return counts
}
