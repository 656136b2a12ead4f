/** The queue of ticks. */
export const TICKS = 'dueque.v1.ticks'
