import type { PrivateCluster } from '../../scripts/broker/private-cluster.js'
import { say } from '../../scripts/broker/say.js'
import { check } from '../../scripts/checker/check.js'
import { connectRaw } from '../broker.js'
import { Books } from './books.js'
import { EXCHANGE, expectationOf, TOPIC_QUEUE } from './course.js'
import { Crew } from './crew.js'
import { Faults } from './faults.js'
import { entriesOf } from './ledger.js'
import { Nemeses } from './nemeses.js'
import { Occurrences } from './occurrences.js'
import type { SoakOptions } from './options.js'
import type { Fault, Seat } from './plan.js'
import type { Run } from './report.js'
import { listAll, takeAll, untilAtRest, type Found } from './rest.js'
import type { World } from './world.js'
import { closeAll, openAll } from './ways.js'

export interface Soak {
  options: SoakOptions
  plan: readonly Fault[]
  /** The folder of the ledgers. */
  folder: string
}

/** Load and faults, then quiet, then the check. */
export async function soak(world: World, { options, plan, folder }: Soak): Promise<Run> {
  const { cluster, kinds, servers, faketime } = world
  const { seed, rate, producers, consumers, minutes, patience } = options
  const [consuming, producing] = [seats('consumer', consumers), seats('producer', producers)]
  const crew = new Crew({ ...servers, kinds, seed, rate, producers, folder, faketime })
  const looking = await openAll({ ...servers, kinds, name: 'looks', looks: true }, say)
  const occurrences = new Occurrences()
  try {
    await Promise.all(consuming.map((seat) => crew.start(seat)))
    await bind(cluster)
    await occurrences.start(looking, kinds, minutes * 60)
    await Promise.all(producing.map((seat) => crew.start(seat)))
    const faults = new Faults(new Nemeses(cluster, world.network, world.stores), crew)
    await faults.carryOut(plan, minutes * 60)
    say('the faults have ended; waiting for the queues …')
    await Promise.all(producing.map((seat) => crew.end(seat, 'SIGTERM')))
    await untilAtRest(cluster, crew.shifts, patience * 1000)
    const listed = await listAll(looking)
    await Promise.all(consuming.map((seat) => crew.end(seat, 'SIGTERM')))
    const { found, withheld } = await takeAll(cluster)
    const books = await booksOf(crew, faults, occurrences, [...listed, ...found])
    const verdict = check(books.history, expectationOf(seed, kinds))
    return { verdict, books, faults, accidents: crew.accidents, occurrences: occurrences.count, withheld }
  } finally {
    crew.stop()
    await closeAll(looking)
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

async function booksOf(
  { shifts }: Crew,
  { troubles }: Faults,
  occurrences: Occurrences,
  found: readonly Found[],
): Promise<Books> {
  const books = new Books()
  const { history } = books
  history.troubles.push(...troubles)
  occurrences.enter(history)
  const producersFirst = shifts.toSorted((a, b) => b.seat.role.localeCompare(a.seat.role))
  for (const { name, ledgerFile } of producersFirst) {
    for await (const entry of entriesOf(ledgerFile)) books.enter(name, entry)
  }
  for (const { key, ...kept } of found) history.found(key, kept)
  return books
}
