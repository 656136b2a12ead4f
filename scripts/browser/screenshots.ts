// screenshots.ts [FOLDER]: takes the pictures of docs/operations/management-ui.md, on the broker of AMQP_URL, which it changes.
import { join } from 'node:path'
import { env, exit } from 'node:process'
import type { Locator } from 'playwright-core'
import { poll } from '../broker/poll.js'
import { say } from '../broker/say.js'
import { findChromium, launchChromium } from './chromium.js'
import { ManagementUi } from './management-ui.js'
import { setScene } from './scene.js'

const folder = process.argv[2] ?? join(import.meta.dirname, '../../docs/images')
const [url, managementUrl, chromium] = [env['AMQP_URL'], env['RABBITMQ_MANAGEMENT_URL'], findChromium()]
if (!url || !managementUrl || !chromium) {
  say('screenshots need a broker, its management UI and a Chromium (CHROMIUM_BIN, or on the PATH)')
  exit(1)
}
const vhost = decodeURIComponent(new URL(url).pathname.slice(1)) || '/'
const { username, password } = new URL(url)
const [user, secret] = [decodeURIComponent(username) || 'guest', decodeURIComponent(password) || 'guest']

const mq = await setScene(url)
const browser = await launchChromium(chromium)
try {
  const page = await browser.newPage({ viewport: { width: 1150, height: 3000 } })
  page.setDefaultTimeout(20_000)
  const ui = await ManagementUi.logIn(page, managementUrl, user, secret)
  await waitingMessages(ui)
  await rung(ui)
  await exchanges(ui)
  await connections(ui)
  await publishForm(ui)
  await deadMessage(ui)
} finally {
  await browser.close()
  await mq.close()
}

/** From the top of `from` to the bottom of `to`. */
async function take(name: string, from: Locator, to: Locator): Promise<void> {
  const [top, bottom] = [await from.boundingBox(), await to.boundingBox()]
  if (!top || !bottom) throw new Error(`${name}: not on the page`)
  const main = (await from.page().locator('#main').boundingBox())!
  const clip = { x: main.x, y: top.y - 4, width: main.width, height: bottom.y + bottom.height - top.y + 12 }
  const path = join(folder, `${name}.png`)
  await from.page().screenshot({ path, clip, fullPage: true, animations: 'disabled' })
  say(path)
}

/** Lists show 100 names to a page; the filter is a regular expression. */
async function list(ui: ManagementUi, what: 'queues' | 'exchanges' | 'connections', filter: string): Promise<Locator> {
  await ui.open(what)
  const { page } = ui
  if (filter !== '') {
    await page.check(`#${what}-filter-regex-mode`)
    const asked = page.waitForResponse((response) =>
      response.url().includes(`name=${encodeURIComponent(filter)}&use_regex=true`),
    )
    await page.locator(`#${what}-name`).fill(filter)
    await page.locator(`#${what}-name`).press('Enter')
    await asked
  }
  await page.waitForTimeout(1000) // until the list is drawn anew
  return page.locator('#main table.list').first()
}

async function waitingMessages(ui: ManagementUi): Promise<void> {
  const filter = '^(reminders|dueque\\.v1\\.(parked|unroutable|to\\..*|wait\\.(15m|30m|45m|1h|2h|3h|1d|2d)$))'
  await poll(async () => (await messagesIn('dueque.v1.parked')) > 0 && (await messagesIn('reminders.dead')) > 0, {
    what: 'the counts of the scene',
    timeoutMs: 40_000,
  })
  const table = await list(ui, 'queues', filter)
  await take('queues', table, table)
}

/** As the UI shows it: some seconds old. */
async function messagesIn(queue: string): Promise<number> {
  const response = await fetch(`${managementUrl!}/api/queues/${encodeURIComponent(vhost)}/${queue}`, {
    headers: { authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}` },
  })
  return ((await response.json()) as { messages?: number }).messages ?? 0
}

async function rung(ui: ManagementUi): Promise<void> {
  await ui.open('queues', vhost, 'dueque.v1.wait.30m')
  await ui.unfold('Bindings')
  const { page } = ui
  await take('rung', page.locator('#main h3', { hasText: 'Details' }), page.locator('.bindings-wrapper').first())
}

async function exchanges(ui: ManagementUi): Promise<void> {
  const table = await list(ui, 'exchanges', '^(dueque|newsletter)')
  await take('exchanges', table, table)
}

async function connections(ui: ManagementUi): Promise<void> {
  const table = await list(ui, 'connections', '')
  await take('connections', table, table)
}

async function publishForm(ui: ManagementUi): Promise<void> {
  await ui.open('exchanges', vhost, 'dueque.v1.entry.m')
  await ui.fillIn({
    routingKey: 'reminders',
    bcc: ['dq~30m', 'dq~end~h', 'dq~queue~reminders'],
    properties: { type: 'appointment.reminder', message_id: 'by-hand-1' },
    payload:
      '{"appointment":"A-4380","patient":"Huber, Minh","practitioner":"Dr. Aydın","room":"10",\n' +
      ' "start":"2026-12-01T08:00:00+01:00","notice":"1h"}',
  })
  const form = ui.page.locator('form[action="#/exchanges/publish"]')
  await take('publish', form, form)
}

async function deadMessage(ui: ManagementUi): Promise<void> {
  await ui.open('queues', vhost, 'reminders.dead')
  await ui.unfold('Get messages')
  const { page } = ui
  await page.click('#main form[action="#/queues/get"] input[type=submit]')
  const message = page.locator('#msg-wrapper')
  await message.locator('table').first().waitFor()
  await page.waitForTimeout(1000) // the animation takes a moment
  await take('dead', message, message)
}
