import { expect, test } from 'vitest'
import { parseCommandLine } from '../../../bench/peers/options.js'

function planOf(...args: string[]) {
  const commandLine = parseCommandLine(args)
  if (commandLine.does !== 'measure') throw new Error(`it does ${commandLine.does}`)
  const { sizes, works, contestants, roundsOf } = commandLine.plan
  const names = (all: readonly { name: string }[]) => all.map(({ name }) => name)
  return { form: sizes.form, works: names(works), contestants: names(contestants), rounds: works.map(roundsOf) }
}

test('a long run is everything; a short one is once, and some', () => {
  const long = planOf()
  expect(long).toMatchObject({ form: 'long', works: ['rate', 'steady', 'burst', 'ceiling', 'waiting', 'kill'] })
  expect(long.contestants).toContain('queue-per-message')
  const short = planOf('--short')
  expect(short).toMatchObject({ form: 'short', works: ['rate', 'steady', 'burst'], rounds: [1, 1, 1] })
  expect(short.contestants).not.toContain('queue-per-message')
})

test('--only names contestants and works, of a short run too', () => {
  expect(planOf('--short', '--only', 'kill, bullmq,dueque')).toMatchObject({
    works: ['kill'],
    contestants: ['dueque', 'bullmq'],
  })
  expect(planOf('--only', 'burst').contestants).toEqual(planOf().contestants)
  expect(planOf('--only', 'raw', '--rounds', '5').rounds).toEqual([5, 5, 5, 5, 5, 5])
})

test.each([
  [['--only', 'bulmq'], "no contestant or work 'bulmq'"],
  [['--rounds', '0'], '--rounds: expected a whole number from 1'],
  [['--publish', 'a.json', '--short'], '--publish: expected no other option'],
  [['--fast'], '--fast'],
])('%s is refused', (args, text) => {
  expect(() => parseCommandLine(args)).toThrow(text)
})

test('--publish takes files', () => {
  expect(parseCommandLine(['--publish', 'a.json,b.json'])).toEqual({ does: 'publish', files: ['a.json', 'b.json'] })
})
