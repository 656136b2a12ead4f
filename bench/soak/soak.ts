import type { PrivateCluster } from '../../scripts/broker/private-cluster.js'
import { say } from '../../scripts/broker/say.js'
import { connectRaw } from '../broker.js'
import { audit } from './audit.js'
import { Books } from './books.js'
import { courseOf, EXCHANGE, TOPIC_QUEUE } from './course.js'
import { Crew } from './crew.js'
import { Faults } from './faults.js'
import { entriesOf } from './ledger.js'
import type { SoakOptions } from './options.js'
import type { Fault, Seat } from './plan.js'
import type { Run } from './report.js'
import { takeAll, untilAtRest } from './rest.js'

export interface Soak {
  options: SoakOptions
  plan: readonly Fault[]
  /** The folder of the ledgers. */
  folder: string
}

/** Load and faults, then quiet, then the audit. */
export async function soak(cluster: PrivateCluster, { options, plan, folder }: Soak): Promise<Run> {
  const { seed, rate, producers, consumers, minutes, patience } = options
  const consuming = seats('consumer', consumers)
  const producing = seats('producer', producers)
  const crew = new Crew({ urls: cluster.urls, seed, rate, producers, folder })
  try {
    await Promise.all(consuming.map((seat) => crew.start(seat)))
    await bind(cluster)
    await Promise.all(producing.map((seat) => crew.start(seat)))
    const faults = new Faults(cluster, crew)
    await faults.carryOut(plan, minutes * 60)
    say('the faults have ended; waiting for the queues …')
    await Promise.all(producing.map((seat) => crew.end(seat, 'SIGTERM')))
    const left = await untilAtRest(cluster, crew.shifts, patience * 1000)
    await Promise.all(consuming.map((seat) => crew.end(seat, 'SIGTERM')))
    const { stored, withheld } = await takeAll(cluster)
    const books = await booksOf(crew, faults)
    const audited = audit(books, stored, (n) => courseOf(seed, n))
    return { audited, books, faults, accidents: crew.accidents, left, withheld }
  } finally {
    crew.stop()
  }
}

function seats(role: Seat['role'], count: number): Seat[] {
  return Array.from({ length: count }, (_, index) => ({ role, index }))
}

async function bind(cluster: PrivateCluster): Promise<void> {
  const model = await connectRaw(cluster.nodes[0]!)
  const channel = await model.createChannel()
  await channel.assertExchange(EXCHANGE, 'topic', { durable: true })
  await channel.bindQueue(TOPIC_QUEUE, EXCHANGE, 'soak.#')
  await model.close()
}

async function booksOf({ shifts }: Crew, { troubles }: Faults): Promise<Books> {
  const books = new Books()
  books.troubles.push(...troubles)
  const producersFirst = shifts.toSorted((a, b) => b.seat.role.localeCompare(a.seat.role))
  for (const { name, ledgerFile } of producersFirst) {
    for await (const entry of entriesOf(ledgerFile)) books.enter(name, entry)
  }
  return books
}
