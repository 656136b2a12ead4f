import { expect, it } from 'vitest'
import { DuequeError } from '../../../src/index.js'
import { TickerWatch } from '../../../src/recurring/ticker-watch.js'
import { rejection } from '../thrown.js'
import { handlingWorld, TICKS } from './world.js'

it('a ticker without its queue, where nothing is declared, names the command that declares it', async () => {
  const { strategy, definitions, clock, logger } = handlingWorld([])
  const missing = new DuequeError('DESTINATION_MISSING', 'no queue', { destination: TICKS })
  const ticks = { queue: TICKS, declare: () => Promise.resolve(), subscribe: () => Promise.reject(missing) }
  const watch = new TickerWatch({ strategy, clock, logger }, { ticks, definitions, onError: () => undefined })
  expect(await rejection(watch.start())).toMatchObject({
    code: 'TOPOLOGY_MISSING',
    message: expect.stringContaining('`dueque topology apply --recurring`') as string,
    cause: missing,
  })
})
