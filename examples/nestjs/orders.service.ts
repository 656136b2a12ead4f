import { ConflictException, Injectable, Logger, NotFoundException } from '@nestjs/common'
import type { Delivery, PayloadOf, Receipt } from 'dueque'
import { InjectDueque, OnMessage, type DuequeConnection } from 'dueque/nestjs'
import { orderTimeout, queue } from './order-timeout.js'

type State = 'open' | 'paid' | 'cancelled'

/** The shop's orders. In your shop they are rows of a database. */
@Injectable()
export class Orders {
  readonly #orders = new Map<string, { state: State; timeout: Receipt }>()
  readonly #logger = new Logger('Orders')

  constructor(@InjectDueque() private readonly mq: DuequeConnection) {}

  /** The order has to be paid within this time. */
  async place(order: string, within: string): Promise<Receipt> {
    const to = { queue }
    const timeout = await this.mq.schedule(orderTimeout, { order }, { to, in: within, id: `order/${order}` })
    this.#orders.set(order, { state: 'open', timeout })
    return timeout
  }

  /** @returns what became of the timeout: 'cancelled', or 'too-late' within its last second */
  async pay(order: string): Promise<string> {
    const { timeout } = this.#find(order)
    if (this.#settle(order, 'paid') !== 'paid') throw new ConflictException(`order ${order} was not paid in time`)
    return this.mq.cancel(timeout)
  }

  state(order: string): State {
    return this.#find(order).state
  }

  @OnMessage(orderTimeout, { queue, retry: { attempts: 5 } })
  timeOut({ payload: { order }, latenessMs }: Delivery<PayloadOf<typeof orderTimeout>>): void {
    // Paid at the last moment: then the payment counts.
    this.#logger.log(`order ${order} is ${this.#settle(order, 'cancelled')} (${latenessMs} ms after its time)`)
  }

  /** The first outcome of an order counts. */
  #settle(order: string, outcome: State): State {
    const found = this.#find(order)
    if (found.state === 'open') found.state = outcome
    return found.state
  }

  #find(order: string): { state: State; timeout: Receipt } {
    const found = this.#orders.get(order)
    if (!found) throw new NotFoundException(`no order ${order}`)
    return found
  }
}
