import type { Contestant } from './contestant.js'
import { binaryLadder } from './contestants/binary-ladder.js'
import { bullmq } from './contestants/bullmq.js'
import { delayedPlugin } from './contestants/delayed-plugin.js'
import { duequePostgres, duequeRedis } from './contestants/dueque-stores.js'
import { duequeLadders } from './contestants/dueque.js'
import { graphileWorkers } from './contestants/graphile-worker.js'
import { pgBoss } from './contestants/pg-boss.js'
import { queuePerMessage } from './contestants/queue-per-message.js'
import { raw } from './contestants/raw.js'
import { ttlPerMessage } from './contestants/ttl-per-message.js'

/** In the order of the tables. */
export const CONTESTANTS: readonly Contestant[] = [
  raw,
  ...duequeLadders,
  duequeRedis,
  duequePostgres,
  ttlPerMessage,
  queuePerMessage,
  binaryLadder,
  delayedPlugin,
  bullmq,
  pgBoss,
  ...graphileWorkers,
]
