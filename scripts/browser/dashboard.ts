// dashboard.ts [FOLDER]: takes the pictures of the dashboard, of the same scene as those of docs/management-ui.md, on the broker of
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
  await take(browser, 'dashboard-overview', '#/overview?range=day', async (page) => {
    await page
      .locator('.findings')
      .getByText(/passed/)
      .waitFor()
    // The rates and the lateness of a probe.
    await page
      .locator('.tile', { hasText: 'Lateness' })
      .getByText(/ms|s \//)
      .waitFor()
  })
  await take(
    browser,
    'dashboard-dark',
    '#/overview?range=day',
    (page) => page.locator('.findings li').first().waitFor(),
    'dark',
  )
  await take(browser, 'dashboard-waiting', '#/waiting?name=appointment.reminder', async (page) => {
    await page.locator('tbody a').nth(3).click()
    await page.getByRole('button', { name: 'Show payload' }).click()
    await page.locator('pre').waitFor()
  })
  await take(browser, 'dashboard-dead', '#/dead', async (page) => {
    await page.locator('.failed-list tbody a').first().click()
    await page.getByLabel('Stack').waitFor()
  })
  await take(browser, 'dashboard-recurring', '#/recurring?schedule=opening-hours', (page) =>
    page.locator('.next-line').waitFor(),
  )
  await take(browser, 'dashboard-ladder', '#/ladder', (page) => page.locator('.brick').first().waitFor())
}

async function take(
  browser: Browser,
  name: string,
  hash: string,
  ready: (page: Page) => Promise<unknown>,
  colorScheme: 'light' | 'dark' = 'light',
): Promise<void> {
  const viewport = { width: 1200, height: 720 }
  const page = await browser.newPage({ viewport, colorScheme, locale: 'en-GB', timezoneId: 'Europe/Berlin' })
  page.setDefaultTimeout(60_000)
  await page.goto(address + hash)
  await ready(page)
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path, animations: 'disabled' })
  await page.close()
  say(path)
}
