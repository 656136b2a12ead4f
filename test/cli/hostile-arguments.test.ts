import fc from 'fast-check'
import { expect, test } from 'vitest'
import { useVhost } from '../support/broker.js'
import { run, unique } from './dueque.js'

const vhost = useVhost()

const RUNS = 12
const SEED = 7

/** Operating systems do not pass zero bytes on. */
const text = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.constantFrom(
      '',
      '-',
      '--',
      '-1',
      '1e9',
      'NaN',
      '1s',
      '99999999d',
      '\u001b[2J\r\n',
      'dq~1h',
      'x'.repeat(300),
      '{',
    ),
    fc.json(),
  )
  .map((one) => one.replaceAll('\0', ''))
/** As one argument, so that a text that begins with a dash is still a value. */
const option = (name: string, value = text) => value.map((one) => `--${name}=${one}`)
const some = (...names: string[]) =>
  fc.subarray(names).chain((chosen) => fc.tuple(...chosen.map((name) => option(name))))

/** Valid options next to one hostile option, so that only the hostile one can fail. */
function without(hostile: string): string[] {
  return ['--data=1', '--in=1d'].filter((one) => one.split('=')[0] !== hostile.split('=')[0])
}

const queue = unique('arguments')
const COMMANDS: Record<string, fc.Arbitrary<string[]>> = {
  schedule: fc
    .constantFrom('data', 'in', 'id', 'name', 'header', 'priority', 'expires-in', 'correlation-id', 'schema-version')
    .chain((name) => option(name))
    .map((hostile) => ['--declare', `--queue=${queue}`, ...without(hostile), hostile]),
  'schedule to anywhere': some('queue', 'exchange', 'key', 'at', 'data').map((given) => given),
  'parked redrive': some('id', 'name', 'before', 'after', 'limit', 'to', 'rate').map((given) => given),
  'dead list': fc
    .tuple(text, some('reason', 'before', 'after', 'limit'))
    .map(([name, given]) => [...given, '--', name]),
  status: some('queue', 'shards', 'management', 'namespace').map((given) => given),
}

test.each(Object.entries(COMMANDS))(
  '%s exits with a documented code and without a stack trace, whatever its arguments',
  async (name, arbitrary) => {
    const command = name.split(' ').slice(0, name.startsWith('schedule') ? 1 : 2)
    for (const args of fc.sample(arbitrary, { numRuns: RUNS, seed: SEED })) {
      const given = [...command, ...args]
      const { code, stdout, stderr } = await run(given, { AMQP_URL: vhost.url })
      expect({ given, code }).toEqual({
        given,
        code: expect.toSatisfy((one) => [0, 1, 2, 3, 4].includes(one as number)) as number,
      })
      expect({ given, stderr }).toEqual({ given, stderr: expect.not.stringMatching(/\n\s+at |Error:/) as string })
      if (code === 2) expect({ given, stdout }).toEqual({ given, stdout: '' })
    }
  },
)
