import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import axeCore from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { findChromium, launchChromium } from '../../scripts/browser/chromium.js'
import { dashboard, type DashboardOptions } from '../../src/dashboard/index.js'
import type { Dueque } from '../../src/index.js'

/** The reason to skip a test; empty where there is a Chromium. */
export const NO_CHROMIUM = findChromium() === undefined ? ' (skipped without a Chromium)' : ''

/** One browser for the tests of a file. A page fails its test by an error, and by a request to another host. */
export function useBrowser() {
  let browser: Browser
  const pages: { page: Page; wrong: string[] }[] = []
  beforeAll(async () => {
    if (!NO_CHROMIUM) browser = await launchChromium(findChromium()!)
  })
  afterEach(async () => {
    const all = pages.splice(0)
    const wrong = all.flatMap((one) => one.wrong)
    await Promise.all(all.map(({ page }) => page.context().close()))
    expect(wrong).toEqual([])
  })
  afterAll(() => browser?.close())

  return {
    /** @param options `blank` goes nowhere yet, `failing` expects answers of 5xx */
    async open(
      url: string,
      options: BrowserContextOptions & { failing?: boolean; blank?: boolean } = {},
    ): Promise<Page> {
      const { failing = false, blank = false, ...rest } = options
      const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', ...rest })
      const page = await context.newPage()
      page.setDefaultTimeout(15_000)
      const wrong: string[] = []
      pages.push({ page, wrong })
      page.on('pageerror', (error) => wrong.push(error.message))
      page.on('console', (message) => {
        // The browser reports each answer of 4xx, and each server that is gone.
        const isNetwork = message.text().startsWith('Failed to load resource') || message.text().includes('net::ERR_')
        if (message.type() === 'error' && !isNetwork) wrong.push(message.text())
      })
      page.on('request', (request) => {
        const { protocol, host } = new URL(request.url())
        if (protocol.startsWith('http') && host !== new URL(url).host) wrong.push(`a request to ${request.url()}`)
      })
      page.on('response', (response) => {
        if (response.status() >= 500 && !failing) wrong.push(`${response.status()} of ${response.url()}`)
      })
      if (!blank) await page.goto(url)
      return page
    },
  }
}

export interface Served {
  readonly url: string
  readonly server: Server
  stop(): Promise<void>
}

/** A dashboard below a path of its own. @param port of the one before */
export async function serve(mq: Dueque, options: DashboardOptions = {}, port = 0): Promise<Served> {
  const board = dashboard(mq, options)
  const server = createServer((request, response) => board.node(request, response))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ops/dueque/`
  return {
    url,
    server,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await Promise.all([closed, board.close()])
    },
  }
}

/** What axe finds wrong by WCAG 2.2 AA, in light and in dark. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  const faults: string[] = []
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    // Not by a script element: the page's policy refuses it.
    await page.evaluate(axeCore.source)
    const violations = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: typeof axeCore }
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
      return (await axe.run({ runOnly: tags })).violations.map(
        ({ id, nodes }) =>
          `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary ?? ''}`).join('; ')}`,
      )
    })
    faults.push(...violations.map((one) => `${colorScheme}: ${one}`))
  }
  return faults
}
