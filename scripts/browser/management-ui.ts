import type { Page } from 'playwright-core'

/** The fields of the form "Publish message" of an exchange. */
export interface HandMade {
  routingKey: string
  bcc: readonly string[]
  properties: Readonly<Record<string, string>>
  payload: string
}

/** Beside it there is the form for bindings, with fields of the same names. */
const FORM = 'form[action="#/exchanges/publish"]'

/** RabbitMQ's management UI, used as an operator uses it. For RabbitMQ 3.10 and 4.3. */
export class ManagementUi {
  readonly page: Page
  readonly #url: string

  /** @param managementUrl without a slash at the end */
  static async logIn(page: Page, managementUrl: string, user: string, password: string): Promise<ManagementUi> {
    await page.goto(managementUrl)
    await page.fill('input[name=username]', user)
    await page.fill('input[name=password]', password)
    await page.click('input[type=submit]')
    await page.waitForSelector('#tabs a')
    return new ManagementUi(page, managementUrl)
  }

  private constructor(page: Page, url: string) {
    this.page = page
    this.#url = url
  }

  /** @param path such as `queues`, or `queues`, the vhost and the name of one */
  async open(...path: string[]): Promise<void> {
    // A page is drawn over the previous one when its data are there: a blank page between separates them.
    await this.page.goto('about:blank')
    await this.page.goto(`${this.#url}/#/${path.map(encodeURIComponent).join('/')}`)
    await this.page.waitForSelector('#main h1')
  }

  /** Opens a section of the page, if it is closed. */
  async unfold(heading: string): Promise<void> {
    const title = this.page.locator('#main h2', { hasText: heading }).first()
    const content = title.locator('xpath=following-sibling::*[1]')
    if (!(await content.isVisible())) await title.click()
    await content.waitFor({ state: 'visible' })
  }

  /** Fills in the form of the exchange that is open. The header's further fields appear as one types. */
  async fillIn({ routingKey, bcc, properties, payload }: HandMade): Promise<void> {
    const { page } = this
    await this.unfold('Publish message')
    await page.fill(`${FORM} input[name=routing_key]`, routingKey)
    await page.locator('#headers_1_mfkey').pressSequentially('BCC')
    await page.selectOption('#headers_1_mftype', 'list')
    for (const [i, key] of bcc.entries()) await page.locator(`#headers_1_${i + 1}_mfvalue`).pressSequentially(key)
    for (const [i, [name, value]] of Object.entries(properties).entries()) {
      await page.locator(`#props_${i + 1}_mfkey`).pressSequentially(name)
      await page.locator(`#props_${i + 1}_mfvalue`).pressSequentially(value)
    }
    await page.fill(`${FORM} textarea[name=payload]`, payload)
  }

  /** Presses the button under the form; resolves to the answer of the UI. */
  async publish(): Promise<string> {
    await this.page.click(`${FORM} input[type=submit]`)
    const answer = this.page.locator('.form-popup-info, .form-popup-warn, .form-popup-error').last()
    await answer.waitFor()
    return (await answer.innerText()).replace(/\s*close\s*$/i, '').trim()
  }
}
