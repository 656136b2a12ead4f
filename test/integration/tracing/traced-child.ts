/**
 * Runs scenes under OpenTelemetry's instrumentation of amqplib, and prints what the spans of each show as one line of JSON.
 * Arguments: URL of the broker, and the names of scenes: `a,b c` runs a and b side by side, then c.
 */
import './traced.js'
import * as consuming from './consume-scenes.js'
import * as own from './own-scenes.js'
import * as publishing from './publish-scenes.js'

const scenes = { ...publishing, ...consuming, ...own } as unknown as Record<string, (url: string) => Promise<unknown>>
const [url, ...groups] = process.argv.slice(2)
for (const group of groups)
  await Promise.all(
    group.split(',').map(async (name) => {
      const shown = await scenes[name]!(url!).catch((error: unknown) => ({ error: String(error) }))
      console.log(JSON.stringify({ [name]: shown }))
    }),
  )
