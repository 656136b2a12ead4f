import { Module } from '@nestjs/common'
import { DuequeModule } from 'dueque/nestjs'
import { OrdersController } from './orders.controller.js'
import { Orders } from './orders.service.js'

@Module({
  // Last: its handlers end before other modules do.
  imports: [DuequeModule.forRoot({ url: process.env['AMQP_URL'] ?? 'amqp://localhost', waitMs: 60_000 })],
  controllers: [OrdersController],
  providers: [Orders],
})
export class AppModule {}
