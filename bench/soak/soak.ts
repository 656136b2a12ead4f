import type { PrivateCluster } from '../../scripts/broker/private-cluster.js'
import { say } from '../../scripts/broker/say.js'
import { check } from '../../scripts/checker/check.js'
import { on } from 'dueque'
import { connectRaw } from '../broker.js'
import type { Trouble } from '../../scripts/checker/history.js'
import { Books } from './books.js'
import { expectationOf } from './course.js'
import { Crew } from './crew.js'
import type { EarlierBuild } from './earlier-build.js'
import { Faults } from './faults.js'
import { entriesOf } from './ledger.js'
import { Nemeses } from './nemeses.js'
import { Occurrences } from './occurrences.js'
import { Operator } from './operator.js'
import type { SoakOptions } from './options.js'
import type { Fault, Seat } from './plan.js'
import { soaked } from './process.js'
import { EXCHANGE, OPERATED_QUEUE, TOPIC_QUEUE } from './queues.js'
import { randomFrom } from './random.js'
import type { Run } from './report.js'
import { listAll, takeAll, untilAtRest, type Found } from './rest.js'
import type { World } from './world.js'
import { closeAll, openAll, type Way } from './ways.js'

export interface Soak {
  options: SoakOptions
  plan: readonly Fault[]
  /** The folder of the ledgers. */
  folder: string
  /** Of the last producer and the last consumer. */
  earlier: EarlierBuild | undefined
}

/** Load and faults, then quiet, then the check. */
export async function soak(world: World, { options, plan, folder, earlier }: Soak): Promise<Run> {
  const { cluster, kinds, servers, faketime } = world
  const { seed, rate, producers, consumers, minutes, patience } = options
  const [consuming, producing] = [seats('consumer', consumers), seats('producer', producers)]
  const crew = new Crew({ ...servers, kinds, seed, rate, producers, consumers, earlier, folder, faketime })
  const looking = await openAll({ ...servers, kinds, name: 'looks', looks: true }, say)
  const occurrences = new Occurrences()
  const operator = new Operator(servers.urls, randomFrom(seed))
  try {
    await Promise.all(consuming.map((seat) => crew.start(seat)))
    await Promise.all([bind(cluster), declareBatches(looking.ladder!)])
    await occurrences.start(looking, kinds, minutes * 60)
    await Promise.all(producing.map((seat) => crew.start(seat)))
    const faults = new Faults(cluster.urls, new Nemeses(cluster, world.network, world.stores), crew)
    operator.begin()
    await faults.carryOut(plan, minutes * 60)
    operator.calm()
    say('the faults have ended; waiting for the queues …')
    await Promise.all(producing.map((seat) => crew.end(seat, 'SIGTERM')))
    await untilAtRest(cluster, crew.shifts, patience * 1000)
    await operator.end()
    const listed = await listAll(looking)
    await Promise.all(consuming.map((seat) => crew.end(seat, 'SIGTERM')))
    const { found, withheld } = await takeAll(cluster)
    const troubles = [...faults.troubles, ...operator.troubles]
    const books = await booksOf(crew, troubles, occurrences, [...listed, ...found])
    const verdict = check(books.history, expectationOf(seed, kinds))
    return {
      ...{ verdict, books, faults, withheld, kinds, seed },
      accidents: crew.accidents,
      occurrences: occurrences.count,
      commands: operator.done,
    }
  } finally {
    crew.stop()
    operator.stop()
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

/** Its consumers take none: an operator unpacks them. */
async function declareBatches(way: Way): Promise<void> {
  const consumer = await way.consume(OPERATED_QUEUE, [on(soaked, () => undefined)], { batches: true })
  await consumer.close()
}

async function booksOf(
  { shifts }: Crew,
  troubles: readonly Trouble[],
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
