import { expect, test, vi } from 'vitest'
import { silent } from '../../../../src/base/logger.js'
import type { Job, Permission } from '../../../../src/dashboard/api.js'
import { Jobs, type JobProgress } from '../../../../src/dashboard/jobs/jobs.js'
import { DuequeError } from '../../../../src/index.js'

const NEEDS = 'cancel'
const may: ReadonlySet<Permission> = new Set([NEEDS])
const quick = (run: (progress: JobProgress) => Promise<void>) => ({ what: 'a work', needs: NEEDS, of: 2, run }) as const
/** Goes on until it is stopped. */
const long = () => quick(({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())))

function open() {
  const changes: Job[] = []
  return { changes, jobs: new Jobs(silent, (job) => changes.push(structuredClone(job))) }
}

test('a small job is over when its start is answered, with its outcomes', async () => {
  const { jobs, changes } = open()
  const job = await jobs.start(
    quick((progress) => {
      progress.count('cancelled')
      progress.count('too-late')
      return Promise.resolve()
    }),
    1000,
  )
  expect(job).toMatchObject({
    what: 'a work',
    needs: NEEDS,
    state: 'done',
    done: 2,
    of: 2,
    outcomes: { cancelled: 1, 'too-late': 1 },
  })
  expect(jobs.list()).toEqual([job])
  expect(changes).toEqual([job])
})

test('a job that throws has failed, with what it has done; an unexpected error is not shown', async () => {
  const { jobs } = open()
  const failing = (error: Error) =>
    quick((progress) => {
      progress.count('cancelled')
      throw error
    })
  const closed = new DuequeError('CLOSED', 'dueque is closed', {})
  expect(await jobs.start(failing(closed), 1000)).toMatchObject({
    ...{ state: 'failed', done: 1, failure: { code: 'CLOSED', message: 'dueque is closed' } },
  })
  const unexpected = await jobs.start(failing(new TypeError('secret')), 1000)
  expect(unexpected).toMatchObject({ state: 'failed', failure: { code: 'UNEXPECTED' } })
  expect(JSON.stringify(unexpected)).not.toContain('secret')
})

test('what a job does is told in 300 characters at most', async () => {
  const { jobs } = open()
  const { what } = await jobs.start({ ...quick(() => Promise.resolve()), what: 'x'.repeat(1_000_000) }, 1000)
  expect(what).toBe(`${'x'.repeat(299)}…`)
})

test('a job of the dashboard can be stopped by those who may do what it does', async () => {
  const { jobs } = open()
  const { id, state } = await jobs.start(long(), 0)
  expect(state).toBe('running')
  expect(() => jobs.stop(id, new Set())).toThrow(/may not/)
  expect(() => jobs.stop('x', may)).toThrow(/no such job/)
  jobs.stop(id, may)
  await vi.waitFor(() => expect(jobs.list()[0]).toMatchObject({ id, state: 'stopped' }))
})

test('four run at once, fifty are kept, and a close ends all', async () => {
  const { jobs } = open()
  const first = await jobs.start(long(), 0)
  for (let i = 0; i < 60; i++)
    await jobs.start(
      quick(() => Promise.resolve()),
      1000,
    )
  expect(jobs.list()).toHaveLength(50)
  // One that runs is not forgotten.
  expect(jobs.list().at(-1)).toMatchObject({ id: first.id, state: 'running' })
  for (let i = 0; i < 3; i++) await jobs.start(long(), 0)
  await expect(jobs.start(long(), 0)).rejects.toMatchObject({ status: 429, code: 'BUSY' })
  await jobs.close()
  expect(jobs.list().filter(({ state }) => state === 'stopped')).toHaveLength(4)
  // Of a request that came before the close, and counted meanwhile.
  await expect(jobs.start(long(), 0)).rejects.toMatchObject({ code: 'CLOSED' })
})

test('many changes are a few reports', async () => {
  const { jobs, changes } = open()
  await jobs.start(
    quick(async (progress) => {
      for (let i = 0; i < 1000; i++) {
        progress.count('cancelled')
        if (i % 100 === 0) await Promise.resolve()
      }
    }),
    1000,
  )
  expect(changes.length).toBeLessThan(5)
  expect(changes.at(-1)).toMatchObject({ state: 'done', done: 1000 })
})
