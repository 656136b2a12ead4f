"""Gives a message another due time: reschedule.py QUEUE ID REVISION DUE MILLISECONDS NAME PAYLOAD

    python3 examples/python/reschedule.py reminders a-42/24h 1782894600000417 1782896400000 5000 \\
        appointment.reminder '{"patient": "p-7", "room": "3a"}'

REVISION and DUE are those of the waiting message, MILLISECONDS is the new delay. The broker cannot be asked for a waiting
message: name and payload are given again. Prints the new id, due time and revision, and what became of the old copy.

Needs pika. The broker: AMQP_URL, or amqp://localhost.
"""

import json
import sys

import cancellations
import layout
from schedule import schedule


def main(queue, message_id, revision, due, delay_ms, name, payload):
    connection = layout.connect()
    channel = connection.channel()
    channel.confirm_delivery()
    layout.declare_ladder(channel)
    layout.declare_work_queue(channel, queue)
    cancellations.declare(channel)
    # The new copy first: a crash between the two steps leaves both copies, never none.
    new_due = layout.now_ms() + int(delay_ms)
    receipt = schedule(channel, queue, name, json.loads(payload), new_due, message_id, after=int(revision))
    replaced = cancellations.keep(channel, message_id, receipt["revision"], int(due), new_due)
    print(json.dumps({**receipt, "replaced": replaced}))
    connection.close()


if __name__ == "__main__":
    if len(sys.argv) != 8:
        sys.exit(__doc__)
    main(*sys.argv[1:])
