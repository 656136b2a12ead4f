import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChromium, launchChromium } from '../../scripts/browser/chromium.js'
import { ManagementUi, type HandMade } from '../../scripts/browser/management-ui.js'
import { brokerUrl, management, managementUrl, poll, useVhost } from '../support/broker.js'
import { open } from '../support/mq.js'
import { Recorder, note, scheduleNotes, unique } from '../strategies/recorder.js'

const chromium = findChromium()
const missing = [chromium === undefined && 'a Chromium', managementUrl() === undefined && 'the management UI']
const lacks = missing.filter(Boolean).join(' and ')
const vhost = useVhost()

describe.skipIf(lacks !== '')(
  `scheduling by hand in the management UI${lacks && ` (skipped without ${lacks})`}`,
  () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await launchChromium(chromium!)
    })
    afterAll(() => browser?.close())

    const byHand = (queue: string, bcc: readonly string[]): HandMade => ({
      routingKey: queue,
      bcc: [...bcc, `dq~queue~${queue}`],
      properties: { type: note.name, message_id: 'by-hand' },
      payload: '{"n":7}',
    })

    async function exchangeInUi(name: string): Promise<ManagementUi> {
      const page = await browser.newPage()
      page.setDefaultTimeout(15_000)
      const { username, password } = new URL(brokerUrl())
      const ui = await ManagementUi.logIn(page, managementUrl()!, username || 'guest', password || 'guest')
      await ui.open('exchanges', vhost.name, name)
      return ui
    }

    test('a message published to an entry exchange is received when it is due, and not before', async () => {
      const queue = unique('by-hand')
      const mq = await open(vhost.url)
      const recorder = await Recorder.on(mq, queue)
      await poll(
        async () => {
          await scheduleNotes(mq, queue, [1900]) // by the rung 1s, unless declaring takes longer than the rest
          return management(`/queues/${vhost.name}/dueque.v1.wait.1s`)
        },
        { what: 'the rung 1s' },
      )
      const ui = await exchangeInUi('dueque.v1.entry.s')
      await ui.fillIn(byHand(queue, ['dq~1s', 'dq~end~m']))
      const before = Date.now()
      expect(await ui.publish()).toBe('Message published.')
      const delivery = await poll(() => recorder.deliveries.find(({ id }) => id === 'by-hand'), { what: 'the message' })
      expect(delivery).toMatchObject({ payload: { n: 7 }, routingKey: queue })
      // The wait begins after the button is pressed.
      expect(delivery.arrivedAt.getTime() - before).toBeGreaterThanOrEqual(1000)
    })

    test('a message for a missing rung is refused, and the UI says so', async () => {
      await open(vhost.url) // makes the exchanges
      const ui = await exchangeInUi('dueque.v1.entry.s')
      await ui.fillIn(byHand('anywhere', ['dq~59s', 'dq~end~m']))
      expect(await ui.publish()).toContain('not routed')
    })
  },
)
