import { expect, test } from 'vitest'
import { operatorSettings } from '../../../../src/operate/operator-settings.js'
import { Probing } from '../../../../src/operate/watch/probing.js'

test('where nothing may be declared there is no probe, with the reason', async () => {
  const probing = new Probing(operatorSettings({ topology: 'trust', url: 'amqp://127.0.0.1:1' }))
  expect(probing.look()).toMatchObject({
    source: 'probe',
    messages: 0,
    problems: ['no probe: its queue would have to be declared, which topology trust does not do'],
  })
  await probing.close()
})
