"""Cancels a message: cancel.py ID [REVISION [DUE]]

    python3 examples/python/cancel.py order/o-17 1782894600000417 1782896400000

Without a REVISION, or with `all`, everything that was scheduled under the ID until now. DUE, in milliseconds since the
epoch, is the latest due time of these messages. Prints `cancelled`, `too-late`, or without a DUE `unknown`.

Needs pika. The broker: AMQP_URL, or amqp://localhost.
"""

import sys

import cancellations
import layout


def main(message_id, revision="all", due=None):
    connection = layout.connect()
    channel = connection.channel()
    channel.confirm_delivery()
    cancellations.declare(channel)
    due = None if due is None else int(due)
    if revision == "all":
        print(cancellations.cancel_all(channel, message_id, due))
    else:
        print(cancellations.cancel(channel, message_id, int(revision), due))
    connection.close()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
