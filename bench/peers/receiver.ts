// The receiving process of a contestant: receiver.ts REQUEST, started by receiving.ts of bench/.
import { Tally } from '../tally.js'
import { tellTally } from '../telling.js'
import type { Urls } from './contestant.js'
import { CONTESTANTS } from './contestants.js'

export interface PeerRequest {
  contestant: string
  urls: Urls
}

// The parent is gone.
process.once('disconnect', () => process.exit())

const { contestant: name, urls } = JSON.parse(process.argv[2]!) as PeerRequest
const contestant = CONTESTANTS.find((one) => one.name === name)
if (!contestant) throw new Error(`there is no contestant '${name}'`)
const tally = new Tally()
const consuming = await contestant.consume(urls, ({ n, due }) => tally.add(n, due, Date.now() - due))
tellTally(tally, { stats: () => undefined, close: () => consuming.close() })
