import { describe, expect, it, vi } from 'vitest'
import { Declarations } from '../../../../src/amqp/topology/declarations.js'
import { DuequeError } from '../../../../src/base/errors.js'
import { rejection } from '../../thrown.js'

const world = () => {
  const onForget = vi.fn()
  return { declarations: new Declarations(onForget), onForget }
}

/** A declaration that first fails with these errors, one in each run. */
const declaring = (...errors: Error[]) =>
  vi.fn(() => {
    const error = errors.shift()
    return error ? Promise.reject(error) : Promise.resolve()
  })

const destination = 'queue:q'
const gone = () => new DuequeError('DESTINATION_MISSING', 'no queue', { destination }, { cause: new Error('404') })
const missing = () => new DuequeError('DESTINATION_MISSING', 'no queue', { destination })

describe('Declarations', () => {
  it('share one run between callers, and run once', async () => {
    const { declarations } = world()
    const declare = declaring()
    const both = Promise.all([declarations.once('a', declare), declarations.once('a', declare)])
    expect(declarations.has('a')).toBe(false)
    await both
    await declarations.once('a', declare)
    expect([declare.mock.calls.length, declarations.has('a')]).toEqual([1, true])
  })

  it('forget a failed run', async () => {
    const { declarations, onForget } = world()
    const declare = declaring(missing())
    expect(await rejection(declarations.once('a', declare))).toMatchObject({ code: 'DESTINATION_MISSING' })
    expect(declarations.has('a')).toBe(false)
    await declarations.once('a', declare)
    expect([declarations.has('a'), onForget.mock.calls.length]).toEqual([true, 0])
  })

  it('forget everything and run again, once, when RabbitMQ reports a missing part', async () => {
    const { declarations, onForget } = world()
    await declarations.once('other', declaring())
    const declare = declaring(gone())
    await declarations.once('a', declare)
    expect([declare.mock.calls.length, declarations.has('other'), onForget.mock.calls.length]).toEqual([2, false, 1])
    expect(await rejection(declarations.once('b', declaring(gone(), gone())))).toMatchObject({
      code: 'DESTINATION_MISSING',
    })
  })

  it('forget everything only once for all messages that were sent before', async () => {
    const { declarations, onForget } = world()
    const { epoch } = declarations
    declarations.forget(epoch)
    await declarations.once('a', declaring())
    declarations.forget(epoch)
    expect([declarations.has('a'), onForget.mock.calls.length]).toEqual([true, 1])
    declarations.forget()
    expect(declarations.has('a')).toBe(false)
  })

  it('do not remember a run during which everything was forgotten', async () => {
    const { declarations } = world()
    let end!: () => void
    const run = declarations.once('a', () => new Promise<void>((resolve) => (end = resolve)))
    declarations.forget()
    end()
    await run
    expect(declarations.has('a')).toBe(false)
  })

  it('renew the parts that catch messages, and no others', async () => {
    const { declarations } = world()
    const [catching, unused, other] = [declaring(), declaring(), declaring()]
    await declarations.once('catching', catching, true)
    await declarations.once('unused', unused, true)
    await declarations.once('other', other)
    declarations.drop('unused')
    declarations.renew()
    expect([declarations.has('catching'), declarations.has('other')]).toEqual([false, true])
    await vi.waitFor(() => expect(declarations.has('catching')).toBe(true))
    expect([catching, unused, other].map(({ mock }) => mock.calls.length)).toEqual([2, 1, 1])
  })

  it('repeat a failed renewal when it is needed', async () => {
    const { declarations } = world()
    const declare = vi.fn<() => Promise<void>>().mockResolvedValueOnce().mockRejectedValueOnce(missing())
    declare.mockResolvedValue()
    await declarations.once('catching', declare, true)
    declarations.renew()
    await vi.waitFor(() => expect(declare).toHaveBeenCalledTimes(2))
    await declarations.once('catching', declare).catch(() => undefined)
    await declarations.once('catching', declare)
    expect([declarations.has('catching'), declare.mock.calls.length]).toEqual([true, 3])
  })
})
