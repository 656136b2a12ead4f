/** Known to every copy of dueque in the process, as a class is not. */
export const AMQP_BROKER = Symbol.for('dueque.AmqpBroker')

/** Raised when the methods that strategies use of a broker change: copies of two versions then refuse each other. */
export const CONTRACT = 2
