import { Body, Controller, Get, Inject, Param, Post } from '@nestjs/common'
import { DuequeHealthIndicator } from 'dueque/nestjs'
import { Orders } from './orders.service.js'

@Controller()
export class OrdersController {
  // @Inject: tsx and esbuild write no types of parameters. With tsc or the Nest CLI it can be left out.
  constructor(
    @Inject(Orders) private readonly orders: Orders,
    @Inject(DuequeHealthIndicator) private readonly dueque: DuequeHealthIndicator,
  ) {}

  @Post('orders')
  async place(@Body() { order, within = '30m' }: { order: string; within?: string }) {
    const { dueAt } = await this.orders.place(order, within)
    return { order, payBy: dueAt }
  }

  @Get('orders/:order')
  state(@Param('order') order: string) {
    return { order, state: this.orders.state(order) }
  }

  @Post('orders/:order/payment')
  async pay(@Param('order') order: string) {
    return { order, timeout: await this.orders.pay(order) }
  }

  @Get('health')
  health() {
    return this.dueque.isHealthy('rabbitmq')
  }
}
