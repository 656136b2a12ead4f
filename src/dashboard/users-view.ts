import { isForOwnQueue } from '../amqp/topology/reserved-names.js'
import {
  positionOf,
  type JournalledMessage,
  type WaitingView,
  type WaitlistFilter,
} from '../strategies/waiting-view.js'

/**
 * The messages of a store without the ticks of recurring messages, which wait there as any message does.
 *
 * @param ticks the queue of ticks
 */
export function usersView(view: WaitingView, ticks: string): WaitingView {
  const isOfUser = (message: JournalledMessage) => !isForOwnQueue(message)
  /** Undefined if no tick fits. */
  const ofTicks = (filter: WaitlistFilter) =>
    filter.destination === undefined ? { ...filter, destination: { queue: ticks } } : undefined
  return {
    find: async (id) => (await view.find(id)).filter(isOfUser),
    async list(filter, { after, limit }) {
      const listed: JournalledMessage[] = []
      for (let place = after; ;) {
        const page = await view.list(filter, { after: place, limit })
        listed.push(...page.filter(isOfUser))
        if (listed.length >= limit || page.length < limit) return listed.slice(0, limit)
        place = positionOf(page.at(-1)!)
      }
    },
    async count(filter) {
      const others = ofTicks(filter)
      const [all, hidden] = await Promise.all([view.count(filter), others ? view.count(others) : 0])
      return Math.max(all - hidden, 0)
    },
    async countBy(filter, spanMs) {
      const others = ofTicks(filter)
      const [all, hidden] = await Promise.all([
        view.countBy(filter, spanMs),
        others ? view.countBy(others, spanMs) : [],
      ])
      const ticksFrom = new Map(hidden.map(({ from, count }) => [from, count]))
      const counts = all.map(({ from, count }) => ({ from, count: count - (ticksFrom.get(from) ?? 0) }))
      return counts.filter(({ count }) => count > 0)
    },
    countByDestination: async () => (await view.countByDestination()).filter((one) => !isForOwnQueue(one)),
  }
}
