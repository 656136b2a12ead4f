import { expect, it } from 'vitest'
import { Gate } from '../../../src/cancellation/gate.js'
import { GateWaits } from '../../../src/forwarding/gate-waits.js'

const settled = () => new Promise((resolve) => setImmediate(resolve))

function closedGate() {
  const gate = new Gate()
  gate.close()
  const waits = new GateWaits(gate)
  const woken: string[] = []
  const wait = (name: string) => {
    const arrival = { live: true }
    void waits.opening(arrival).then(() => woken.push(name))
    return arrival
  }
  return { gate, waits, woken, wait }
}

it('messages wait until the gate opens, and go in their order', async () => {
  const { gate, waits, woken, wait } = closedGate()
  for (const name of ['a', 'b']) wait(name)
  await settled()
  expect([woken, waits.size]).toEqual([[], 2])
  gate.open()
  await settled()
  expect([woken, waits.size]).toEqual([['a', 'b'], 0])
})

it('messages that the broker has taken back do not gather', async () => {
  const { waits, woken, wait } = closedGate()
  for (const arrival of [wait('a'), wait('b')]) arrival.live = false
  wait('c')
  await settled()
  expect([woken, waits.size]).toEqual([['a', 'b'], 1])
})

it('at the end nothing waits any more, and a later opening wakes nobody', async () => {
  const { gate, waits, woken, wait } = closedGate()
  wait('a')
  waits.end()
  wait('late')
  await settled()
  expect([woken, waits.size, waits.isEnded]).toEqual([['late', 'a'], 0, true])
  gate.open()
  await settled()
  expect(woken).toEqual(['late', 'a'])
})
