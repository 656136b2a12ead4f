import type { Page } from 'playwright-core'
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../../scripts/broker/tcp-proxy.js'
import type { Dueque, Strategy } from '../../../src/index.js'
import { ladder, on } from '../../../src/index.js'
import { redis as redisStrategy } from '../../../src/strategies/redis/index.js'
import { accessibilityFaults, NO_CHROMIUM, serve, useBrowser } from '../../support/browser.js'
import { managementUrl, poll, useVhost } from '../../support/broker.js'
import { bury } from '../../support/dead.js'
import { open, rawChannel } from '../../support/mq.js'
import { depth, holds, park, PARKED } from '../../support/parked.js'
import { useRedis } from '../../support/redis.js'
import { note, Recorder, unique } from '../../strategies/recorder.js'

const vhost = useVhost()
const redis = useRedis()
const journal = () => ladder({ journal: { index: true } })

const press = (page: Page, group: string | RegExp, button: string) =>
  page.getByRole('group', { name: group }).getByRole('button', { name: button }).click()
const confirm = (page: Page, name: string) => page.getByRole('dialog').getByRole('button', { name }).click()

describe.skipIf(NO_CHROMIUM)(`the pages of the dashboard, with a broker${NO_CHROMIUM}`, () => {
  const browser = useBrowser()

  async function serveFor(mq: Dueque, management: string | false = managementUrl() ?? false): Promise<string> {
    const served = await serve(mq, { access: 'all', probe: false, management })
    onTestFinished(() => served.stop())
    return served.url
  }

  /** Finds, moves and cancels messages as an operator does. */
  async function mainPath<S extends Strategy>(strategy: S): Promise<void> {
    const mq = await open(vhost.url, { strategy })
    const queue = unique('reminders')
    const recorder = await Recorder.on(mq, queue)
    const to = { queue }
    for (const [n, id] of ['p-1', 'p-2', 'p-3'].entries())
      await mq.schedule(note, { n }, { id: `${queue}/${id}`, to, in: '1h' })
    const page = await browser.open(`${await serveFor(mq)}#/waiting`)
    const row = (id: string) => page.getByRole('link', { name: `${queue}/${id}` })
    await page.getByLabel('Destination').fill(queue)
    await row('p-3').waitFor()
    await row('p-1').click()
    await page.getByRole('button', { name: 'Show payload' }).click()
    await page.getByText('"n": 0').waitFor()
    await press(page, 'This message', 'Cancel')
    await confirm(page, 'Cancel 1 message')
    await page.getByText('It does not wait any more').waitFor()
    await page.getByRole('button', { name: 'Close' }).click()
    await row('p-1').waitFor({ state: 'detached' })

    await page.getByLabel(`Select ${queue}/p-2`).check()
    await press(page, '1 selected', 'Reschedule')
    await page.getByLabel('Delay from now').fill('3h')
    await confirm(page, 'Reschedule 1 message')
    await page
      .locator('tr', { has: row('p-2') })
      .getByText('in 3 h')
      .waitFor()

    await press(page, 'All 2 that match', 'Deliver now')
    await confirm(page, 'Deliver now: 2 messages')
    await recorder.has(2)
    expect(recorder.numbers.toSorted()).toEqual([1, 2])
  }

  test('with a journal in RabbitMQ, messages are found, moved and cancelled', () => mainPath(journal()))

  test('with Redis, messages are found, moved and cancelled', async () => {
    const client = new Redis(redis.url)
    onTestFinished(() => void client.quit())
    await mainPath(redisStrategy({ client, prefix: redis.prefix }))
  })

  test('dead messages: why, where it was thrown, redriven one by one and by reason, purged by their number', async () => {
    const mq = await open(vhost.url, { strategy: journal() })
    const [queue, channel] = [unique('rooms'), await rawChannel(vhost.url)]
    const consumer = await mq.consume(queue, [
      on(note, () => {
        throw new Error('no such <b>room</b>')
      }),
    ])
    await mq.schedule(note, { n: 7 }, { id: 'thrown', to: { queue }, in: 0 })
    await holds(channel, `${queue}.dead`, 1)
    await consumer.close()
    await bury(channel, queue, [
      { id: 'late-1', reason: 'expired' },
      { id: 'late-2', reason: 'expired' },
      { id: 'old' },
    ])
    const page = await browser.open(`${await serveFor(mq)}#/dead?queue=${queue}`)
    await page.getByRole('link', { name: 'thrown' }).click()
    const panel = page.getByRole('complementary', { name: 'Dead message' })
    await panel.getByText('no such <b>room</b>').first().waitFor()
    expect(await panel.getByLabel('Stack').innerText()).toContain('pages-with-a-broker')
    await panel.getByRole('button', { name: 'Show payload' }).click()
    await panel.getByText('"n": 7').waitFor()
    expect(await accessibilityFaults(page)).toEqual([])
    await press(page, 'This message', 'Redrive')
    await confirm(page, 'Redrive 1 message')
    await panel.getByText('It is not here any more').waitFor()
    await holds(channel, queue, 1)
    await page.getByRole('button', { name: 'Close' }).click()

    await page.getByRole('button', { name: /expired 2/ }).click()
    await press(page, 'All 2 messages that match', 'Redrive')
    await page.getByLabel(/Messages a second/).fill('100')
    await confirm(page, 'Redrive 2 messages')
    await page.locator('.job').getByText('2 redriven').waitFor()
    await page.getByRole('button', { name: 'Every reason' }).click()

    await press(page, 'All 1 message', 'Purge')
    const purge = page.getByRole('dialog').getByRole('button', { name: 'Purge 1 message' })
    expect(await purge.isDisabled()).toBe(true)
    await page.getByLabel('Type 1 to confirm').fill('1')
    await purge.click()
    await poll(async () => (await depth(channel, `${queue}.dead`)) === 0, { what: 'an empty dead queue' })
    await page.locator('.job').getByText('1 removed').waitFor()
  })

  test('another choice of dead messages begins with its first page, and copies are purged by the number found', async () => {
    const mq = await open(vhost.url, { strategy: journal() })
    const [queue, channel] = [unique('rooms'), await rawChannel(vhost.url)]
    await (await mq.consume(queue, [on(note, () => undefined)])).close()
    const old = Array.from({ length: 60 }, (_, n) => ({ id: `old-${n}`, ...(n % 20 === 0 && { reason: 'expired' }) }))
    await bury(channel, queue, [{ id: 'twice' }, ...old, { id: 'twice' }])
    const page = await browser.open(`${await serveFor(mq, false)}#/dead?queue=${queue}`, { failing: true })
    await page.getByLabel('Rows').selectOption('50')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('page 2').waitFor()
    const asked: URLSearchParams[] = []
    page.on('request', (request) => asked.push(new URL(request.url()).searchParams))
    await page.getByRole('button', { name: /expired 3/ }).click()
    await page.getByRole('group', { name: 'All 3 messages that match' }).waitFor()
    const offsets = asked.filter((query) => query.get('reason') === 'expired').map((query) => query.get('offset'))
    expect([...new Set(offsets)]).toEqual(['0'])

    // The other copy is on another page.
    await page.getByRole('button', { name: 'Every reason' }).click()
    await page.getByLabel('Select twice').check()
    await press(page, '1 selected', 'Purge')
    await page.getByLabel('Type 1 to confirm').fill('1')
    await confirm(page, 'Purge 1 message')
    await page.getByText('2 messages fit now: 1 were confirmed').waitFor()
    expect(await depth(channel, `${queue}.dead`)).toBe(62)
    await page.getByLabel('Type 2 to confirm').fill('2')
    await confirm(page, 'Purge 2 messages')
    await holds(channel, `${queue}.dead`, 60)
  })

  test('without the management API, the dead messages of a queue that is named are shown', async () => {
    const mq = await open(vhost.url, { strategy: journal() })
    const [queue, channel] = [unique('rooms'), await rawChannel(vhost.url)]
    await (await mq.consume(queue, [on(note, () => undefined)])).close()
    await bury(channel, queue, [{ id: 'one' }, { id: 'two', reason: 'expired' }])
    const page = await browser.open(`${await serveFor(mq, false)}#/dead`, { failing: true })
    await page.getByLabel('Work queue').fill(queue)
    await page.keyboard.press('Enter')
    await page.getByLabel('Select one').check()
    expect(await page.getByRole('group', { name: '1 selected' }).count()).toBe(1)
    expect(await accessibilityFaults(page)).toEqual([])
    // A link to others leaves nothing selected.
    await page.evaluate(`location.hash += '&reason=expired'`)
    await page.getByRole('group', { name: 'All 1 message that match' }).waitFor()
    await page.getByLabel('Select two').waitFor()
    expect(await page.getByLabel('Select one').count()).toBe(0)
    // What is typed is asked for after a pause, and undoes no other filter that is chosen meanwhile.
    await page.getByLabel('Name', { exact: true }).fill('nobody')
    await page.getByRole('button', { name: 'Every reason' }).click()
    await poll(() => /name=nobody/.test(page.url()) && !/reason=/.test(page.url()), { what: 'the name alone' })
  })

  test('a broker that goes away and comes back: the pages say so, keep what they show, and go on by themselves', async () => {
    const proxy = await TcpProxy.to(vhost.url)
    onTestFinished(() => proxy.close())
    const strategy = journal()
    const mq = await open(proxy.url(), { strategy, namespace: unique('away'), publishTimeoutMs: 5000, logger: false })
    const schedule = (id: string) =>
      mq.schedule(note, { n: 1 }, { id, to: { queue: unique('q') }, in: '1h', declare: true })
    await schedule('first')
    const page = await browser.open(await serveFor(mq), { failing: true })
    const waiting = (count: string) => page.locator('.tile', { hasText: 'Waiting' }).getByText(count, { exact: true })
    const alert = page.locator('main > [role=alert]')
    await waiting('1').waitFor()
    proxy.refuse()
    proxy.cut()
    await alert.waitFor({ timeout: 30_000 })
    expect(await waiting('1').count()).toBe(1)
    expect(await accessibilityFaults(page)).toEqual([])
    await proxy.listen()
    await alert.waitFor({ state: 'detached', timeout: 30_000 })
    await schedule('second')
    await waiting('2').waitFor({ timeout: 30_000 })
    await page.getByRole('link', { name: 'Waiting', exact: false }).first().click()
    for (const id of ['first', 'second']) await page.getByRole('link', { name: id }).waitFor()
  }, 90_000)

  test('parked messages: selected ones are redriven, others stay', async () => {
    const mq = await open(vhost.url, { strategy: journal() })
    const [queue, channel] = [unique('back'), await rawChannel(vhost.url)]
    await mq.schedule(note, { n: 1 }, { id: 'first', to: { queue }, in: '1h', declare: true }) // makes the queue
    await park(channel, [
      { id: 'home', to: `queue:${queue}` },
      { id: 'lost', to: `queue:${unique('nowhere')}` },
    ])
    const page = await browser.open(`${await serveFor(mq)}#/parked`)
    await page.getByLabel('Select home').check()
    await press(page, '1 selected', 'Redrive')
    await confirm(page, 'Redrive 1 message')
    await holds(channel, queue, 1)
    await page.getByLabel('Select home').waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'lost' }).click()
    await page.getByRole('complementary', { name: 'Parked message' }).getByText('Exchange').waitFor()
    expect(await accessibilityFaults(page)).toEqual([])
    expect(await depth(channel, PARKED)).toBe(1)
  })

  test('the ladder shows the rung of a waiting message, and the overview what doctor finds', async () => {
    const mq = await open(vhost.url, { strategy: ladder(), namespace: unique('plain') })
    const queue = unique('reminders')
    await mq.schedule(note, { n: 1 }, { to: { queue }, in: '43m', declare: true })
    const url = await serveFor(mq)
    const page = await browser.open(`${url}#/ladder`)
    await page.locator('.step', { hasText: '1 to 59 min' }).getByText('43m').waitFor({ timeout: 30_000 })
    expect(await accessibilityFaults(page)).toEqual([])
    await page.goto(`${url}#/overview`)
    await page.getByText('No timeline').waitFor() // without a journal
    await page
      .locator('.findings')
      .getByText(/passed/)
      .waitFor({ timeout: 30_000 })
    await page.locator('.tile', { hasText: 'Dead' }).waitFor()
    expect(await accessibilityFaults(page)).toEqual([])
    await page.goto(`${url}#/waiting`)
    await page.getByText('there is no list of waiting messages').waitFor()
    expect(await accessibilityFaults(page)).toEqual([])
  })
})
