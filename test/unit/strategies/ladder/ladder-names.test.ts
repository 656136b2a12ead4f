import { expect, it } from 'vitest'
import { Names } from '../../../../src/amqp/topology/names.js'
import { LadderNames, rungReader } from '../../../../src/strategies/ladder/ladder-names.js'
import { rungVariants } from '../../../../src/strategies/ladder/rungs.js'

const names = new LadderNames(new Names('dueque'))
const rungOf = rungReader(names)

it('reads the name of every wait queue, of both types, with any number of shards', () => {
  for (const { rung, variant } of rungVariants(['quorum', 'classic'], 3))
    expect(rungOf(names.wait(rung, variant))).toEqual({ rung, variant })
})

it.each(['dueque.v1.wait.60s', 'dueque.v1.wait.1s.01', 'dueque.v1.entry.s', 'dueque.v1.safe.1s', 'other.v1.wait.1s'])(
  'does not read %s as a wait queue',
  (queue) => {
    expect(rungOf(queue)).toBeUndefined()
  },
)
