import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { TailProof, type TailState } from '../../../src/cancellation/tail-proof.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A proof whose looks at the streams end when the test says so. */
function proving() {
  const looks: ((isProved: boolean) => void)[] = []
  const connection = { isUp: true, isSilent: false }
  const states: TailState[] = []
  const answers: ((isAnswered: boolean) => void)[] = []
  const rechecks: boolean[] = []
  const proof: TailProof = new TailProof({
    prove: () => new Promise((resolve) => looks.push(resolve)),
    ask: () => new Promise((resolve) => (connection.isSilent ? answers.push(resolve) : resolve(true))),
    now: () => Date.now(),
    onAnswer: () => void rechecks.push(proof.isCurrent(Date.now())),
    isConnected: () => connection.isUp,
    lateMs: 500,
    onState: (state) => void states.push(state),
  })
  onTestFinished(() => proof.close())
  const end = async (isProved = true) => {
    looks.at(-1)?.(isProved)
    await vi.advanceTimersByTimeAsync(0)
  }
  /** As soon as the broker has answered, if it is asked. */
  const isCurrent = async () => {
    if (proof.isCurrent(Date.now())) return true
    await vi.advanceTimersByTimeAsync(0)
    return proof.isCurrent(Date.now())
  }
  return { proof, connection, looks, states, answers, rechecks, end, isCurrent }
}

it('is live once everything was read, and reads again after a loss', async () => {
  const { proof, looks, states, end } = proving()
  expect(proof.isCurrent(Date.now())).toBe(false)
  proof.start()
  await end()
  expect([proof.isCurrent(Date.now()), states]).toEqual([true, ['live']])
  proof.lost()
  expect([proof.isCurrent(Date.now()), looks.length]).toEqual([false, 2])
  await end()
  expect([proof.isCurrent(Date.now()), states]).toEqual([true, ['live', 'reading', 'live']])
})

it('a look that began before a loss proves nothing', async () => {
  const { proof, looks, end } = proving()
  proof.start()
  proof.lost()
  await end()
  expect([proof.isCurrent(Date.now()), looks.length]).toEqual([false, 2])
  await end()
  expect(proof.isCurrent(Date.now())).toBe(true)
})

it('proves the end again every 15 s, and stays live meanwhile', async () => {
  const { proof, looks, states, end, isCurrent } = proving()
  proof.start()
  await end()
  for (const count of [2, 3, 4]) {
    await vi.advanceTimersByTimeAsync(15_000)
    expect([looks.length, await isCurrent()]).toEqual([count, true])
    await end()
  }
  expect([states, proof.provedAt]).toEqual([['live'], Date.now()])
})

it('is down once after 30 s without a proof, from any state, and live when it is proved again', async () => {
  const { proof, states, end } = proving()
  proof.start()
  await vi.advanceTimersByTimeAsync(29_900)
  expect(proof.state).toBe('reading')
  await vi.advanceTimersByTimeAsync(200)
  expect(proof.state).toBe('down')
  proof.lost()
  await vi.advanceTimersByTimeAsync(120_000)
  await end()
  await end()
  expect(states).toEqual(['down', 'live'])
  await vi.advanceTimersByTimeAsync(30_100)
  expect(states).toEqual(['down', 'live', 'down'])
})

it('is not down while it reads older records, however long that takes; newer ones are no progress', async () => {
  const { proof, states, end } = proving()
  proof.start()
  const startedAt = Date.now()
  for (let i = 0; i < 5; i++) {
    await vi.advanceTimersByTimeAsync(20_000)
    proof.read(startedAt - 1000)
  }
  expect(states).toEqual([])
  await vi.advanceTimersByTimeAsync(20_000)
  proof.read(Date.now())
  await vi.advanceTimersByTimeAsync(10_100)
  expect(states).toEqual(['down'])
  await end()
  expect(proof.state).toBe('live')
})

it('waits 30 s after each loss', async () => {
  const { proof, end } = proving()
  proof.start()
  await end()
  await vi.advanceTimersByTimeAsync(14_000)
  proof.lost()
  await vi.advanceTimersByTimeAsync(29_900)
  expect(proof.state).toBe('reading')
  await vi.advanceTimersByTimeAsync(200)
  expect(proof.state).toBe('down')
})

it('while the connection is away it is not down, and not after it until 30 s have passed', async () => {
  const { proof, connection, states } = proving()
  proof.start()
  await vi.advanceTimersByTimeAsync(31_000)
  expect(states).toEqual(['down'])
  connection.isUp = false
  proof.lost()
  await vi.advanceTimersByTimeAsync(600_000)
  connection.isUp = true
  await vi.advanceTimersByTimeAsync(29_900)
  expect(states).toEqual(['down', 'reading'])
  await vi.advanceTimersByTimeAsync(200)
  expect(states).toEqual(['down', 'reading', 'down'])
})

it('a look that cannot be finished proves nothing, and is repeated', async () => {
  const { proof, looks, end } = proving()
  proof.start()
  await end(false)
  expect([proof.state, looks.length]).toEqual(['reading', 1])
  await vi.advanceTimersByTimeAsync(15_000)
  await end()
  expect([proof.state, looks.length]).toEqual(['live', 2])
})

it('after the loop stood still or the machine was suspended, messages that fell due meanwhile wait for an answer', async () => {
  const { proof, connection, answers, end } = proving()
  proof.start()
  await end()
  const stoodStillAt = Date.now()
  connection.isSilent = true
  // No timer has fired meanwhile.
  vi.setSystemTime(stoodStillAt + 60_000)
  expect([proof.isCurrent(stoodStillAt + 500), proof.isCurrent(stoodStillAt + 501)]).toEqual([true, false])
  expect(answers).toHaveLength(1)
  answers[0]!(true)
  await vi.advanceTimersByTimeAsync(0)
  expect(proof.isCurrent(Date.now())).toBe(true)
})

it('an answer from before the clock was set back counts for nothing', async () => {
  const { proof, connection, end, isCurrent } = proving()
  proof.start()
  await end()
  connection.isSilent = true
  vi.setSystemTime(Date.now() - 60_000)
  expect(await isCurrent()).toBe(false)
  await vi.advanceTimersByTimeAsync(1000)
  expect(proof.isCurrent(Date.now())).toBe(false)
})

it('waiters learn when it is known', async () => {
  const { proof, end } = proving()
  proof.start()
  const known = vi.fn()
  void proof.known().then(known)
  await vi.advanceTimersByTimeAsync(0)
  expect(known).not.toHaveBeenCalled()
  await end()
  expect(known).toHaveBeenCalledOnce()
})

it('a closed one changes no more', async () => {
  const { proof, states, end } = proving()
  proof.start()
  proof.close()
  await end()
  await vi.advanceTimersByTimeAsync(60_000)
  expect([proof.state, states]).toEqual(['reading', []])
})

it('behind a network that is silent for longer than the loop may be, only earlier messages are handled until it answers', async () => {
  const { proof, connection, states, answers, rechecks, end, isCurrent } = proving()
  proof.start()
  await end()
  await vi.advanceTimersByTimeAsync(20_000)
  expect(await isCurrent()).toBe(true)
  connection.isSilent = true
  const silentAt = Date.now()
  await vi.advanceTimersByTimeAsync(3000)
  expect(answers).toHaveLength(1)
  expect([proof.isCurrent(silentAt), proof.isCurrent(silentAt + 501)]).toEqual([true, false])
  connection.isSilent = false
  rechecks.length = 0
  answers[0]!(true)
  await vi.advanceTimersByTimeAsync(0)
  // The first one was asked long ago.
  expect([rechecks, proof.isCurrent(Date.now()), states]).toEqual([[false, true], true, ['live']])
})

it('an answer that the loss of a reader may have overtaken counts for nothing', async () => {
  const { proof, connection, answers, end } = proving()
  proof.start()
  await end()
  proof.isCurrent(Date.now())
  connection.isSilent = true
  await vi.advanceTimersByTimeAsync(250)
  proof.lost()
  await end()
  await vi.advanceTimersByTimeAsync(1000)
  answers[0]!(true)
  await vi.advanceTimersByTimeAsync(0)
  expect(proof.isCurrent(Date.now())).toBe(false)
})

it('asks nothing while no message is handled', async () => {
  const { proof, connection, answers, end } = proving()
  proof.start()
  await end()
  connection.isSilent = true
  await vi.advanceTimersByTimeAsync(14_000)
  expect(answers).toHaveLength(0)
  expect(proof.isCurrent(Date.now())).toBe(false)
  expect(answers).toHaveLength(1)
})
