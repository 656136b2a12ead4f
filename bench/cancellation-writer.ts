import { randomInt, randomUUID } from 'node:crypto'
import { connectRaw, type Broker } from './broker.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const HORIZONS = [
  { name: '1h', ms: HOUR_MS },
  { name: '8h', ms: 8 * HOUR_MS },
  { name: '3d', ms: 3 * DAY_MS },
]
/** Less than the minute by which a consumer starts earlier than it has to. */
const DEAD_FOR_MS = 30_000
/** Unconfirmed publishes at most. */
const WINDOW = 5000

/** Records as another program writes them: docs/wire-format.md. */
export interface Written {
  namespace: string
  count: number
  /** Records to a publish. */
  joined: number
  /** They were due more than a day ago, and written so long before that a consumer reads them all the same. */
  isDead: boolean
}

/** Resolves when all are confirmed, with the seconds that it took. The streams must be there. */
export async function writeRecords(broker: Broker, { namespace, count, joined, isDead }: Written): Promise<number> {
  const model = await connectRaw(broker)
  const channel = await model.createConfirmChannel()
  const before = performance.now()
  const lines = new Map<string, string[]>()
  let unconfirmed = 0
  const publish = async (horizon: string, body: string, writtenAt = Date.now()) => {
    const timestamp = Math.floor(writtenAt / 1000)
    channel.publish(`${namespace}.v1.cancellations`, horizon, Buffer.from(body), { persistent: true, timestamp })
    if (++unconfirmed < WINDOW) return
    unconfirmed = 0
    await channel.waitForConfirms()
  }
  for (let n = 0; n < count; n++) {
    const restMs = randomInt(60_000, DAY_MS)
    const horizon = HORIZONS.find(({ ms }) => restMs <= ms)!.name
    if (isDead) {
      const due = Date.now() - DAY_MS - DEAD_FOR_MS
      await publish(horizon, recordOf(due), due - restMs)
      continue
    }
    const gathered = lines.get(horizon) ?? []
    lines.set(horizon, gathered)
    gathered.push(recordOf(Date.now() + restMs))
    if (gathered.length === joined) await publish(horizon, gathered.splice(0).join('\n'))
  }
  for (const [horizon, rest] of lines) if (rest.length > 0) await publish(horizon, rest.join('\n'))
  await channel.waitForConfirms()
  await model.close()
  return (performance.now() - before) / 1000
}

function recordOf(due: number): string {
  return JSON.stringify({ id: randomUUID(), revision: Date.now() * 1000 + randomInt(1000), due })
}
