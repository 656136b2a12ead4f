/** What happens while the tail is down: messages are handled all the same, or they wait. */
export type OnTailDown = 'handle' | 'wait'
