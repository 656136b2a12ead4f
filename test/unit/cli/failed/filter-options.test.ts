import { Command } from 'commander'
import { expect, test } from 'vitest'
import { addFilter, filterOf, type FilterFlags } from '../../../../src/cli/failed/filter-options.js'
import { DEAD_REASONS } from '../../../../src/message/death.js'
import { KNOWN_REASONS } from '../../../../src/operate/failed/dead-letters.js'

const filterIn = (args: string[], reasons?: readonly string[]) => {
  const command = addFilter(new Command().exitOverride().configureOutput({ writeErr: () => undefined }), {
    failed: 'died',
    ...(reasons && { reasons }),
  })
  return filterOf(command.parse(args, { from: 'user' }).opts<FilterFlags>())
}

test('every reason of a consumer or of RabbitMQ chooses messages, several of them too', () => {
  const given = [...DEAD_REASONS, 'rejected', 'unknown']
  const args = given.flatMap((reason) => ['--reason', reason])
  expect(filterIn(args, KNOWN_REASONS).reason).toEqual(given)
})

test('an unknown reason is refused with the known ones', () => {
  expect(() => filterIn(['--reason', 'expired', '--reason', 'handler-eror'], KNOWN_REASONS)).toThrow(
    /'handler-eror' is invalid\. Expected one of handler-error, .*, rejected, maxlen, unknown\.$/,
  )
})

test('messages without reasons are not chosen by them', () => {
  expect(() => filterIn(['--reason', 'expired'])).toThrow("unknown option '--reason'")
})
