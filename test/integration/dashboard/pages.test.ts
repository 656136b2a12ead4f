import type { Locator, Page } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { About } from '../../../src/dashboard/api.js'
import type { DashboardOptions } from '../../../src/dashboard/index.js'
import { connect, memory, type ScheduleOptions } from '../../../src/index.js'
import { NO_CHROMIUM, serve, useBrowser } from '../../support/browser.js'
import { poll } from '../../support/broker.js'
import { note } from '../../strategies/recorder.js'

const queue = 'reminders'
const HOUR_MS = 3_600_000

/** A dashboard of messages in memory: `ids` wait an hour, two hours, … */
async function clinic(ids: readonly string[], options: DashboardOptions = { access: 'all' }) {
  const mq = await connect({ strategy: memory() })
  const schedule = (id: string, more: Partial<ScheduleOptions>, text?: string) =>
    mq.schedule(note, { n: 1, text }, { id, to: { queue }, in: '1h', declare: true, ...more } as ScheduleOptions)
  for (const [i, id] of ids.entries()) await schedule(id, { in: (i + 1) * HOUR_MS, headers: { clinic: 'north' } }, id)
  const served = await serve(mq, options)
  onTestFinished(async () => {
    await served.stop()
    await mq.close()
  })
  return { mq, schedule, url: served.url, served }
}

/** The ids of the rows, from top to bottom. */
const ids = (page: Page) => page.locator('tbody .column-id a').allInnerTexts()
const showing = (page: Page, expected: readonly string[]) =>
  poll(async () => JSON.stringify(await ids(page)) === JSON.stringify(expected), { what: `rows ${expected.join()}` })
const press = (page: Page, group: string | RegExp, button: string) =>
  page.getByRole('group', { name: group }).getByRole('button', { name: button }).click()
/** The button of the dialog that does it. */
const confirm = (page: Page, name: string) => page.getByRole('dialog').getByRole('button', { name }).click()

describe.skipIf(NO_CHROMIUM)(`the pages of the dashboard, with messages in memory${NO_CHROMIUM}`, () => {
  const browser = useBrowser()

  test('the overview counts, and a bar of its timeline leads to its messages by the keyboard', async () => {
    const { url, schedule } = await clinic([])
    for (const id of ['a', 'b']) await schedule(id, { in: '90s' })
    const page = await browser.open(url)
    await page.locator('.tile', { hasText: 'Waiting' }).getByText('2', { exact: true }).waitFor()
    const bar = page.getByRole('button', { name: /: 2 messages$/ })
    await bar.waitFor()
    await page
      .getByRole('button', { name: /messages?$/ })
      .first()
      .focus()
    while (!(await bar.evaluate((element) => element === element.ownerDocument.activeElement)))
      await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await showing(page, ['a', 'b'])
    expect(await page.getByLabel('Due before').inputValue()).not.toBe('')
    // The tiles change by themselves.
    await page.getByRole('link', { name: 'Overview' }).click()
    await schedule('c', { in: '1h' })
    await page.locator('.tile', { hasText: 'Waiting' }).getByText('3', { exact: true }).waitFor()
  })

  test('waiting messages are found as one types, and sorted', async () => {
    const { url, schedule } = await clinic(['p-3', 'p-1', 'q-2'])
    await schedule('r-4', { to: { queue: 'others' }, in: '9h' })
    const page = await browser.open(`${url}#/waiting`)
    await showing(page, ['p-3', 'p-1', 'q-2', 'r-4'])
    await page.getByRole('button', { name: 'Id' }).click()
    await showing(page, ['p-1', 'p-3', 'q-2', 'r-4'])
    await page.getByLabel('Part of the id').pressSequentially('-1')
    await showing(page, ['p-1'])
    await page.reload() // the search is in the address
    await showing(page, ['p-1'])
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByLabel('Destination').fill('others')
    await showing(page, ['r-4'])
    await page.getByLabel('Name').fill('nothing')
    await page.getByText('No waiting message fits this search.').waitFor()
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByLabel('Header').fill('clinic=north')
    await showing(page, ['p-3', 'p-1', 'q-2'])
  })

  test('a list that is slow because its index is full says so', async () => {
    const { url } = await clinic(['p-1'])
    const page = await browser.open(`${url}#/waiting`, { blank: true })
    await page.route('**/api/about', async (route) => {
      const about = (await (await route.fetch()).json()) as About
      return route.fulfill({
        json: { ...about, waiting: { list: true, hint: 'Each answer reads the whole journal.' } },
      })
    })
    await page.goto(`${url}#/waiting`)
    await page.getByText('Each answer reads the whole journal.').waitFor()
    await showing(page, ['p-1'])
  })

  test('one message is shown whole, its payload after a click, and opened and closed by the keyboard', async () => {
    const { url } = await clinic(['p-1', 'p-2'])
    const page = await browser.open(`${url}#/waiting`, { permissions: ['clipboard-read', 'clipboard-write'] })
    const link = page.getByRole('link', { name: 'p-1' })
    await link.focus()
    await page.keyboard.press('Enter')
    const panel = page.getByRole('complementary', { name: 'Message' })
    await panel.getByText('queue:reminders').waitFor()
    await panel.getByText('clinic').waitFor()
    expect(await panel.getByText('"text"').count()).toBe(0)
    await panel.getByRole('button', { name: 'Show payload' }).click()
    await panel.getByText('"text": "p-1"').waitFor()
    await panel.getByRole('button', { name: 'Copy message as JSON' }).click()
    await panel.getByText('Copied').waitFor()
    const copied = await page.evaluate<string>('navigator.clipboard.readText()')
    expect(JSON.parse(copied)).toMatchObject({ id: 'p-1', name: note.name, payload: { n: 1, text: 'p-1' } })
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    await poll(() => link.evaluate((element) => element === element.ownerDocument.activeElement), { what: 'the focus' })
  })

  test('messages are cancelled, rescheduled and delivered now: one, some, all that match', async () => {
    const { url, mq } = await clinic(['p-1', 'p-2', 'q-1', 'q-2', 'q-3'])
    const page = await browser.open(`${url}#/waiting`)
    await page.getByRole('link', { name: 'p-1' }).click()
    await press(page, 'This message', 'Cancel')
    await confirm(page, 'Keep as it is')
    await press(page, 'This message', 'Cancel')
    await confirm(page, 'Cancel 1 message')
    await page.getByText('It does not wait any more').waitFor()
    expect(await mq.get('p-1')).toBeUndefined()
    await page.getByRole('button', { name: 'Close' }).click()
    await showing(page, ['p-2', 'q-1', 'q-2', 'q-3'])

    await page.getByLabel('Select p-2').check()
    await press(page, '1 selected', 'Reschedule')
    await page.getByLabel('Delay from now').fill('nonsense')
    await confirm(page, 'Reschedule 1 message')
    await page.getByRole('dialog').getByRole('alert').waitFor()
    const instant = page.getByLabel('Instant in Europe/Berlin')
    await instant.fill('2030-03-31T02:30:00') // which the clocks leave out
    await page.getByRole('dialog').getByText('03:30:00 CEST').waitFor()
    await instant.fill('2030-07-01T09:00:00')
    await confirm(page, 'Reschedule 1 message')
    await poll(async () => (await mq.get('p-2'))?.dueAt.toISOString() === '2030-07-01T07:00:00.000Z', { what: 'p-2' })

    await page.getByLabel('The id begins with').fill('q-')
    await press(page, 'All 3 that match', 'Deliver now')
    await confirm(page, 'Deliver now: 3 messages')
    await page.locator('.job').getByText('3 rescheduled').waitFor()
    // Whoever uses the keyboard goes on from where the button was.
    const hasFocus = (one: Locator) => one.evaluate((element) => element === element.ownerDocument.activeElement)
    const dismiss = page.getByRole('button', { name: 'Dismiss' })
    for (let left = await dismiss.count(); left > 0; left--) {
      await dismiss.first().focus()
      await page.keyboard.press('Enter')
      await poll(async () => (await dismiss.count()) < left, { what: 'a job less' })
      expect(await hasFocus(left > 1 ? dismiss.first() : page.locator('#main'))).toBe(true)
    }
    await page.getByRole('button', { name: 'Clear' }).click()
    await showing(page, ['p-2'])
    expect(await hasFocus(page.getByLabel('Part of the id'))).toBe(true)
  })

  test('all that match can be changed only by the count of this search, and not by that of the one before', async () => {
    const { url } = await clinic(['p-1', 'p-2', 'q-1'])
    const page = await browser.open(`${url}#/waiting`)
    const all = (name: string) => page.getByRole('group', { name }).getByRole('button', { name: 'Cancel' })
    await all('All 3 messages').waitFor()
    await page.route('**/api/waiting/count?*', (route) => route.abort())
    await page.getByLabel('The id begins with').fill('q-')
    await showing(page, ['q-1'])
    expect(await all('All that match').isDisabled()).toBe(true)
    await page.unroute('**/api/waiting/count?*')
    await page.getByRole('button', { name: 'Try again' }).click()
    await all('All 1 that match').click()
    await confirm(page, 'Cancel 1 message')
    await page.getByText('No waiting message fits this search.').waitFor()
  })

  test('two viewers see the same, and each sees what the other does', async () => {
    const { url } = await clinic(['p-1', 'p-2'])
    const [one, other] = await Promise.all([browser.open(`${url}#/waiting`), browser.open(`${url}#/waiting`)])
    await Promise.all([showing(one, ['p-1', 'p-2']), showing(other, ['p-1', 'p-2'])])
    await one.getByLabel('All of this page').check()
    await press(one, '2 selected', 'Cancel')
    await confirm(one, 'Cancel 2 messages')
    await Promise.all([showing(one, []), showing(other, [])])
    await other.locator('.job').getByText('2 cancelled').waitFor()
    await other.getByText('No message waits.').waitFor()
  })

  test('with read-only access there are no actions and no payloads', async () => {
    const { url, mq } = await clinic(['p-1'], {})
    await mq.recurring.set('daily', { message: note, payload: { n: 1 }, to: { queue }, every: '1d' })
    const page = await browser.open(`${url}#/waiting`)
    await page.getByText('read-only').waitFor()
    await page.getByRole('link', { name: 'p-1' }).click()
    await page.getByText('This viewer may not see payloads.').waitFor()
    for (const name of [/Cancel/, /Reschedule/, /Deliver/, /Show payload/])
      expect(await page.getByRole('button', { name }).count()).toBe(0)
    expect(await page.getByRole('checkbox').count()).toBe(0)
    await page.goto(`${url}#/recurring?schedule=daily`)
    await page.getByText('Next times', { exact: true }).waitFor()
    for (const name of [/Pause/, /Trigger/, /Remove/]) expect(await page.getByRole('button', { name }).count()).toBe(0)
  })

  test('nobody sees anything with no access, and is told so', async () => {
    const { url } = await clinic(['p-1'], { access: 'none' })
    const page = await browser.open(`${url}#/waiting`)
    expect(await page.locator('body').innerText()).not.toContain('p-1')
  })

  test('hostile ids, names and payloads are text', async () => {
    const script = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    const hostile = ['a\u202egnp.exe', 'esc\x1b[31m\x07', `x&y=?#/%2f"'${script}`, 'שלום-1']
    const { url, schedule } = await clinic([])
    for (const id of hostile) await schedule(id, { in: '1h', headers: { [`x-${script}`]: script } }, `${script}\u202e`)
    const page = await browser.open(`${url}#/waiting`)
    await poll(async () => (await ids(page)).length === hostile.length, { what: 'the rows' })
    const seen = await ids(page)
    expect(seen.toSorted()).toEqual(['a\\u202egnp.exe', 'esc\\u001b[31m\\u0007', hostile[2]!, 'שלום-1'].toSorted())
    await page.locator('tbody a', { hasText: 'onerror' }).click()
    const panel = page.getByRole('complementary', { name: 'Message' })
    await panel.getByText(`x-${script}`).waitFor()
    await panel.getByRole('button', { name: 'Show payload' }).click()
    await panel.locator('pre').getByText('\\u202e').waitFor()
    await press(page, 'This message', 'Cancel')
    await confirm(page, 'Cancel 1 message')
    await page.getByText('It does not wait any more').waitFor()
    expect(await page.title()).toBe('Waiting · dueque')
    expect(await page.locator('main img, main script, dialog img').count()).toBe(0)
  })

  test('recurring messages are paused, resumed, triggered and removed', async () => {
    const { url, mq } = await clinic(['makes-the-queue'])
    await mq.recurring.set('daily', {
      message: note,
      payload: { n: 7 },
      to: { queue },
      cron: '0 9 * * *',
      tz: 'Europe/Berlin',
      note: 'for the desk',
    })
    const page = await browser.open(`${url}#/recurring`)
    await page.getByRole('link', { name: 'daily' }).click()
    const panel = page.getByRole('complementary', { name: 'Schedule' })
    await panel.getByText('0 9 * * * in Europe/Berlin').waitFor()
    expect(await panel.locator('section > .times > li').count()).toBe(10)
    expect(await panel.locator('circle').count()).toBe(10)
    await panel.getByRole('button', { name: 'Pause' }).click()
    await panel.getByText('It is paused').waitFor()
    expect((await mq.recurring.get('daily'))?.paused).toBe(true)
    await panel.getByRole('button', { name: 'Resume' }).click()
    await panel.getByRole('button', { name: 'Pause' }).waitFor()
    await panel.getByRole('button', { name: 'Trigger' }).click()
    await confirm(page, 'Send now')
    await panel.getByText('A message is on its way').waitFor()
    await panel.getByRole('button', { name: 'Remove' }).click()
    await confirm(page, 'Remove')
    await panel.getByText('It is not set any more.').waitFor()
    expect(await mq.recurring.get('daily')).toBeUndefined()
  })

  test('a search keeps the open schedule and the focus, and the link to the page clears it', async () => {
    const { url, mq } = await clinic(['makes-the-queue'])
    for (const id of ['daily', 'weekly'])
      await mq.recurring.set(id, { message: note, payload: { n: 7 }, to: { queue }, every: '1d' })
    const page = await browser.open(`${url}#/recurring`)
    const field = page.getByLabel('The id begins with')
    const hasFocus = (one: typeof field) => one.evaluate((element) => element === element.ownerDocument.activeElement)
    await page.getByRole('link', { name: 'daily' }).click()
    const heading = page.getByRole('complementary', { name: 'Schedule' }).getByRole('heading', { name: 'daily' })
    await heading.waitFor()
    await field.fill('week')
    await page.getByRole('link', { name: 'daily' }).waitFor({ state: 'detached' })
    expect([await heading.count(), await hasFocus(field)]).toEqual([1, true])
    const link = page.getByRole('link', { name: 'Recurring' })
    await link.click()
    await heading.waitFor({ state: 'detached' })
    expect(await hasFocus(link)).toBe(true)
    await poll(async () => (await field.inputValue()) === '', { what: 'an empty field' })
  })
})
