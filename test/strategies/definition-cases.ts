import { expect } from 'vitest'
import type { Dueque } from '../../src/index.js'
import type { DefinitionRecord, RecurringDefinitions } from '../../src/strategies/recurring-definitions.js'
import { poll } from '../support/broker.js'
import type { Case } from './conformance.js'
import { unique } from './recorder.js'

const IDS = ['plain', 'ä/😀 "\\', 'a\nb\t', "'); --", '\u0000', '\ud800', ':', 'é'.repeat(90)]
const TEXTS = [
  '{}',
  '{"text":"Ünïcödé 😀 \\u0000 \\ud800 \\"quoted\\" \\\\"}',
  JSON.stringify({ text: 'x'.repeat(50_000) }),
]

const definitionsOf = (mq: Dueque): RecurringDefinitions => mq.strategy.definitions!

/** A revision of today: ids that were removed by one of the days before are forgotten. */
const FIRST = Date.now() * 1000

/** A definition, or a removal without a text. */
const record = (id: string, number: number, definition?: string): DefinitionRecord => ({
  id,
  revision: FIRST + number,
  definition,
})

/** Those of this case alone: the others of a world share its namespace. */
async function allOf(definitions: RecurringDefinitions, prefix: string): Promise<DefinitionRecord[]> {
  const all: DefinitionRecord[] = []
  for await (const one of definitions.all()) if (one.id.startsWith(prefix)) all.push(one)
  return all.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** The cases of strategies that keep the definitions of recurring messages. */
export const DEFINITION_CASES: Record<string, Case> = {
  'definitions are kept as they are, whatever their ids and texts, until they are removed': async (world, mq) => {
    const prefix = unique('definition')
    const definitions = definitionsOf(mq)
    const records = IDS.map((id, i) => record(`${prefix} ${id}`, i, TEXTS[i % TEXTS.length]))
    expect(await definitions.get(records[0]!.id)).toBeUndefined()
    await Promise.all(records.map((one) => definitions.write(one)))
    for (const one of records) expect(await definitions.get(one.id)).toEqual(one)
    const sorted = records.toSorted((a, b) => (a.id < b.id ? -1 : 1))
    expect(await allOf(definitions, prefix)).toEqual(sorted)
    // As a process that starts later.
    const later = definitionsOf(await world.connect())
    expect(await later.get(sorted[0]!.id)).toEqual(sorted[0])
    await later.write(record(sorted[0]!.id, 1000))
    expect(await definitions.get(sorted[0]!.id)).toBeUndefined()
    expect(await allOf(definitions, prefix)).toEqual(sorted.slice(1))
  },

  'of an id the greatest revision counts, in whatever order its records are written': async (_world, mq) => {
    const definitions = definitionsOf(mq)
    const id = unique('order')
    const now = async () => (await definitions.get(id))?.revision
    const revisionOf = (number: number | undefined) => (number === undefined ? undefined : FIRST + number)
    for (const [revision, text, present] of [
      [50, '{}', 50],
      [90, '{}', 90],
      [70, '{}', 90],
      [80, undefined, 90],
      [100, undefined, undefined],
      [95, '{}', undefined],
      [100, '{}', undefined],
      [120, '{}', 120],
      [120, undefined, undefined],
      [121, '{}', 121],
    ] as const) {
      await definitions.write(record(id, revision, text))
      expect(await now()).toBe(revisionOf(present))
    }
    // A revision that is recent enough is answered at once; a greater one is looked for.
    for (const least of [121, 122]) expect((await definitions.get(id, FIRST + least))?.revision).toBe(FIRST + 121)
  },

  'each writer knows the record that it has replaced, or the greater one, also of ten at once': async (world, mq) => {
    const [one, other] = [definitionsOf(mq), definitionsOf(await world.connect())]
    const id = unique('replaced')
    const [first, removal] = [record(id, 1, '"first"'), record(id, 2)]
    expect(await one.write(first)).toBeUndefined()
    expect(await other.write(removal)).toEqual(first)
    expect(await one.write(record(id, 1, '"late"'))).toEqual(removal)
    const numbers = [14, 19, 12, 21, 17, 13, 20, 15, 18, 16]
    const write = async (number: number, i: number) => {
      const before = await (i % 2 === 0 ? one : other).write(record(id, number, '{}'))
      return [number, before!.revision - FIRST] as const
    }
    const answers = await Promise.all(numbers.map(write))
    // The definitions that were in force, one after the other: each was replaced by one writer.
    const replaced = answers.filter(([number, before]) => before < number).sort(([a], [b]) => a - b)
    expect(replaced.map(([, before]) => before)).toEqual([2, ...replaced.slice(0, -1).map(([number]) => number)])
    expect(replaced.at(-1)![0]).toBe(21)
  },

  'pages hold the present records by id, and tell where the next one begins': async (_world, mq) => {
    const definitions = definitionsOf(mq)
    const prefix = unique('page')
    const ids = ['/é', '/b', '/a', '/a/1', '0', '/z', '/😀', '/gone']
    await Promise.all(ids.map((id, i) => definitions.write(record(prefix + id, i, '{}'))))
    await definitions.write(record(`${prefix}/gone`, 100))
    const page = async (after: string | undefined, limit: number, idPrefix = `${prefix}/`) => {
      const { records, next } = await definitions.page({ idPrefix, after, limit })
      return [...records.map(({ id }) => id.slice(prefix.length)), next?.slice(prefix.length)]
    }
    expect(await page(undefined, 4)).toEqual(['/a', '/a/1', '/b', '/z', '/z'])
    expect(await page(`${prefix}/z`, 4)).toEqual(['/é', '/😀', undefined])
    expect(await page(`${prefix}/b`, 3)).toEqual(['/z', '/é', '/😀', undefined])
    expect(await page(undefined, 9, prefix)).toEqual(['/a', '/a/1', '/b', '/z', '/é', '/😀', '0', undefined])
    expect(await page('', 9, `${prefix}/a`)).toEqual(['/a', '/a/1', undefined])
    expect(await page(`${prefix}/zz`, 9, `${prefix}/a`)).toEqual([undefined])
  },

  'connections see what others have written, and of ten writers at once the greatest revision': async (world, mq) => {
    const [one, other] = [definitionsOf(mq), definitionsOf(await world.connect())]
    const id = unique('shared')
    expect(await other.get(id)).toBeUndefined()
    await one.write(record(id, 1, '"one"'))
    expect(await other.get(id)).toEqual(record(id, 1, '"one"'))
    const revisions = [4, 9, 2, 11, 7, 3, 10, 5, 8, 6]
    await Promise.all(
      revisions.map((revision, i) => (i % 2 === 0 ? one : other).write(record(id, revision, String(revision)))),
    )
    for (const definitions of [one, other]) expect(await definitions.get(id)).toEqual(record(id, 11, '11'))
    await other.write(record(id, 12))
    expect(await one.get(id)).toBeUndefined()
    // Without a look at the end, after a while.
    await one.write(record(id, 13, '13'))
    await poll(async () => (await other.get(id, FIRST + 13))?.definition === '13', {
      timeoutMs: 10_000,
      what: 'the definition',
    })
  },
}
