// dashboard.ts [FOLDER]: takes the pictures of the dashboard, of the same scene as those of docs/operations/management-ui.md, on the broker of
// AMQP_URL, which it changes.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { env, exit } from 'node:process'
import type { Browser, Page } from 'playwright-core'
import { dashboard } from '../../src/dashboard/index.js'
import { ladder } from '../../src/index.js'
import { reminder } from '../../examples/appointments/reminder.js'
import { say } from '../broker/say.js'
import { findChromium, launchChromium } from './chromium.js'
import { setScene } from './scene.js'

const folder = process.argv[2] ?? join(import.meta.dirname, '../../docs/images')
const [url, chromium] = [env['AMQP_URL'], findChromium()]
if (!url || !chromium) {
  say('the pictures need a broker and a Chromium (CHROMIUM_BIN, or on the PATH)')
  exit(1)
}

const mq = await setScene(url, ladder({ journal: { index: true } }))
const payload = {
  appointment: 'A-1',
  patient: 'all',
  practitioner: 'desk',
  room: '1',
  start: '2026-12-01T08:00:00+01:00',
}
await mq.recurring.set('opening-hours', {
  message: reminder,
  payload: { ...payload, notice: '1h' },
  to: { queue: 'reminders' },
  cron: '0 8 * * 1-5',
  tz: 'Europe/Berlin',
  note: 'tells the desk who comes',
})
const management = env['RABBITMQ_MANAGEMENT_URL']
const board = dashboard(mq, { access: 'all', ...(management !== undefined && { management }) })
const server = createServer(board.node)
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
const browser = await launchChromium(chromium)
try {
  await takeAll(browser)
} finally {
  await browser.close()
  await board.close()
  server.close()
  await mq.close()
}

async function takeAll(browser: Browser): Promise<void> {
  const open = (page: Page) => page.getByRole('complementary')
  await take(browser, 'overview', '#/overview?range=week', ready)
  await take(browser, 'dark', '#/overview?range=week', ready, { colorScheme: 'dark', height: 402 })
  await take(browser, 'waiting', '#/waiting?name=appointment.reminder', async (page) => {
    await page.locator('tbody a').nth(3).click()
    await page.getByRole('button', { name: 'Show payload' }).click()
    await open(page).locator('pre').waitFor()
  })
  const dead = async (page: Page) => {
    await page.locator('.failed-list tbody a').first().click()
    await open(page).getByText('Attempts').waitFor()
  }
  // Above the stack, which has the folders of this computer in it.
  await take(browser, 'dead', '#/dead', dead, { height: 428 })
  const line = (page: Page) => page.locator('.next-line').waitFor()
  await take(browser, 'recurring', '#/recurring?schedule=opening-hours', line, { height: 660 })
  await take(browser, 'ladder', '#/ladder', (page) => page.locator('.brick').first().waitFor())
}

/** With the findings, and the lateness of a probe. */
async function ready(page: Page): Promise<void> {
  await page.locator('.findings .detail').getByText('looked at').waitFor()
  await page.locator('.tile', { hasText: 'From a probe' }).waitFor()
}

async function take(
  browser: Browser,
  name: string,
  hash: string,
  until: (page: Page) => Promise<unknown>,
  { colorScheme = 'light', height = 720 }: { colorScheme?: 'light' | 'dark'; height?: number } = {},
): Promise<void> {
  const viewport = { width: 1200, height }
  const page = await browser.newPage({ viewport, colorScheme, locale: 'en-GB', timezoneId: 'Europe/Berlin' })
  page.setDefaultTimeout(60_000)
  await page.goto(address + hash)
  await until(page)
  const path = join(folder, `dashboard-${name}.png`)
  await page.screenshot({ path, animations: 'disabled' })
  await page.close()
  say(path)
}
