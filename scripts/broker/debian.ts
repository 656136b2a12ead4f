import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DEFAULT_EPMD_PORT, endEpmd, epmdRuns } from './epmd.js'
import { say } from './say.js'

const LOCK = join(tmpdir(), 'dueque-apt-get.lock')

export function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
}

/** Installs a package of Debian for its programs; the system-wide service that comes with it is not left running. */
export async function install(name: string): Promise<void> {
  say(`Installing ${name} with apt-get (about a minute) …`)
  await apt('update')
  await apt('install', '-y', '--no-install-recommends', name)
  // Refused where there is no init system; then nothing was started either.
  await run('invoke-rc.d', name, 'stop').catch(() => {})
}

export async function installRabbitmq(): Promise<void> {
  const hadEpmd = await epmdRuns(DEFAULT_EPMD_PORT)
  await install('rabbitmq-server')
  if (!hadEpmd) await stopEpmd()
}

async function stopEpmd(): Promise<void> {
  if (existsSync('/run/systemd/system')) await run('systemctl', 'stop', 'epmd.socket', 'epmd.service')
  else await endEpmd(DEFAULT_EPMD_PORT)
}

/** One at a time: several processes of the tests may install programs, and apt-get fails at once where another one runs. */
async function apt(...args: string[]): Promise<void> {
  await run('flock', LOCK, 'apt-get', '-o', 'DPkg::Lock::Timeout=300', ...args)
}

async function run(command: string, ...args: string[]): Promise<void> {
  const env = {
    ...process.env,
    PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`,
    DEBIAN_FRONTEND: 'noninteractive',
    RUNLEVEL: '1', // single user: package scripts start no services, where this is how they decide
  }
  await promisify(execFile)(command, args, { env, maxBuffer: 64 * 1024 * 1024 })
}
