import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { findFaketime } from '../../scripts/services/find-faketime.js'
import { unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { startChildWith } from '../support/child.js'
import { usePostgres } from '../support/postgres.js'
import { useRedis } from '../support/redis.js'
import { FIND_TIMEOUT_MS } from '../support/services.js'

const vhost = useVhost()
const redis = useRedis()
const database = usePostgres()

interface Line {
  kind: string
  n?: number
  lateMs: number
  tookMs: number
  warning?: string
}

test(
  'the wall clock of a process is set back by an hour, and forward again: its messages arrive, none early',
  async ({ skip }) => {
    const library = (await findFaketime()) ?? skip('no libfaketime, which sets the clock of one process')
    const folder = mkdtempSync(join(tmpdir(), 'dueque-clock-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'offset')
    writeFileSync(file, '+0')
    const env = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1' }
    const child = startChildWith(
      { ...env, FAKETIME_DONT_FAKE_MONOTONIC: '1' },
      new URL('clock-child.ts', import.meta.url),
      ...[file, vhost.url, redis.url, database.url, `${redis.prefix}-${unique('c')}`.replaceAll('-', '_')],
    )
    await poll(() => child.lines.at(-1) === '{"end":true}', { what: 'all to be handled', timeoutMs: 90_000 })
    const lines = child.lines.map((line) => JSON.parse(line) as Line)
    const handled = lines.filter(({ n }) => n !== undefined)
    expect(handled).toHaveLength(16)
    expect(handled.filter(({ lateMs }) => lateMs < 0)).toEqual([])
    expect(handled.filter(({ tookMs }) => tookMs > 30_000)).toEqual([])
    const steps = lines.filter(({ warning }) => warning?.includes('the clock of this machine was set'))
    expect(new Set(steps.map(({ kind }) => kind)).size).toBe(4)
  },
  FIND_TIMEOUT_MS + 120_000,
)
