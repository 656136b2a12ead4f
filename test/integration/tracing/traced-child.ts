/**
 * Runs scenes under OpenTelemetry's instrumentation of amqplib, and prints what the spans of each show as one line of JSON.
 * Arguments: URL of the broker, and the names of scenes: `a,b c` runs a and b side by side, then c.
 */
import './traced.js'
import { gate, handled, intake, postgresRelay, putBack, redisRelay, unroutable, volume } from './consume-scenes.js'
import { linked, parented } from './own-scenes.js'
import { bulk, declared, nacked, reconnected, records } from './publish-scenes.js'

const publishing = { reconnected, declared, nacked, bulk, records }
const consuming = { handled, putBack, gate, intake, unroutable, redisRelay, postgresRelay, volume }
const scenes: Record<string, (url: string) => Promise<unknown>> = { ...publishing, ...consuming, linked, parented }
const [url, ...groups] = process.argv.slice(2)
for (const group of groups)
  await Promise.all(
    group.split(',').map(async (name) => {
      const shown = await scenes[name]!(url!).catch((error: unknown) => ({ error: String(error) }))
      console.log(JSON.stringify({ [name]: shown }))
    }),
  )
