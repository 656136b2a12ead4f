import { randomInt, randomUUID } from 'node:crypto'
import { connectRaw, type Broker } from './broker.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const HORIZONS = [
  { name: '1h', ms: HOUR_MS },
  { name: '8h', ms: 8 * HOUR_MS },
  { name: '3d', ms: 3 * DAY_MS },
]
/** Unconfirmed publishes at most. */
const WINDOW = 5000

/** Records as another program writes them: docs/wire-format.md. */
export interface Written {
  namespace: string
  count: number
  /** Records to a publish. */
  joined: number
  /** They were due, and written, more than a day before. */
  isDead: boolean
}

/** Resolves when all are confirmed, with the seconds that it took. The streams must be there. */
export async function writeRecords(broker: Broker, { namespace, count, joined, isDead }: Written): Promise<number> {
  const model = await connectRaw(broker)
  const channel = await model.createConfirmChannel()
  const before = performance.now()
  const lines = new Map<string, string[]>()
  let unconfirmed = 0
  const publish = async (horizon: string, body: string) => {
    const timestamp = Math.floor((Date.now() - (isDead ? 2 * DAY_MS : 0)) / 1000)
    channel.publish(`${namespace}.v1.cancellations`, horizon, Buffer.from(body), { persistent: true, timestamp })
    if (++unconfirmed < WINDOW) return
    unconfirmed = 0
    await channel.waitForConfirms()
  }
  for (let n = 0; n < count; n++) {
    const restMs = randomInt(60_000, DAY_MS)
    const horizon = HORIZONS.find(({ ms }) => restMs <= ms)!.name
    const gathered = lines.get(horizon) ?? []
    lines.set(horizon, gathered)
    gathered.push(recordOf(restMs - (isDead ? 2 * DAY_MS : 0)))
    if (gathered.length === joined) await publish(horizon, gathered.splice(0).join('\n'))
  }
  for (const [horizon, rest] of lines) if (rest.length > 0) await publish(horizon, rest.join('\n'))
  await channel.waitForConfirms()
  await model.close()
  return (performance.now() - before) / 1000
}

function recordOf(dueInMs: number): string {
  const now = Date.now()
  return JSON.stringify({ id: randomUUID(), revision: now * 1000 + randomInt(1000), due: now + dueInMs })
}
