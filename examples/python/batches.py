"""Prints the messages in the batches for a queue, one JSON document a line: batches.py QUEUE [COUNT]

A producer of dueque makes batches with scheduleAll(items, { batch: true }). Run consume.py for the same queue, too: it gets the
messages that travel on their own. Ends after COUNT messages, if given, when their batch is acked.

The queue for batches has to be there: dueque topology apply --batches QUEUE. Needs pika. The broker: AMQP_URL, or amqp://localhost.
"""

import json
import sys

import pika

import cancellations
import consume
import layout


def main(queue, count="0"):
    consume.declare(queue)
    connection = layout.connect()
    channel = connection.channel()
    channel.basic_qos(prefetch_count=10)
    cancelled = cancellations.Cancellations(connection)
    cancelled.prove()
    settled = {}
    left = int(count)
    for method, properties, body in channel.consume(f"{queue}.batches", inactivity_timeout=0.1):
        if method is None:
            cancelled.has_read()
            continue
        try:
            items = read(queue, properties, body)
        except (ValueError, KeyError, TypeError) as error:
            items = []
            consume.bury(queue, method.routing_key, properties, body, "unreadable-batch", str(error))
        for item, content in sorted(items, key=lambda one: one[0].headers["dueque-due"]):
            consume.settle(queue, queue, item, content, cancelled, settled)
        # Last: after a crash before this line all of its messages are redelivered, never lost.
        channel.basic_ack(method.delivery_tag)
        left -= len(items)
        if count != "0" and left <= 0:
            break
    channel.cancel()
    connection.close()


def read(queue, properties, batch):
    """The messages of a batch, each with its body. Raises an error for anything else. docs/reference/wire-format/batches.md"""
    items = []
    while batch:
        line, found, rest = batch.partition(b"\n")
        fields = json.loads(line)
        size = fields["bytes"]
        if not found or fields["format"] != 1 or not 0 <= size <= len(rest):
            raise ValueError(f"item {len(items) + 1} of a batch")
        if fields["destination"].get("queue") != queue:
            raise ValueError(f"item {len(items) + 1} of a batch is for another queue")
        items.append((properties_of(queue, fields), rest[:size]))
        batch = rest[size:]
    if len(items) == 0 or len(items) != (properties.headers or {}).get("dueque-items"):
        raise ValueError(f"a batch of {len(items)} items")
    return items


OWN = {"dueque-due": "dueAt", "dueque-revision": "revision", "dueque-attempt": "attempt", "dueque-version": "version"}
OPTIONAL = {"dueque-expires": "expiresAt", "dueque-dedupe": "dedupeKey"}


def properties_of(queue, fields):
    """The properties of a message that travelled alone."""
    headers = {**fields["headers"], **{name: fields[field] for name, field in OWN.items()}, "dueque-to": f"queue:{queue}"}
    headers.update({name: fields[field] for name, field in OPTIONAL.items() if field in fields})
    return pika.BasicProperties(
        headers=headers,
        message_id=fields["id"],
        type=fields["name"],
        content_type="application/json",
        timestamp=fields["scheduledAt"] // 1000,
        priority=fields.get("priority"),
        correlation_id=fields.get("correlationId"),
        delivery_mode=2,
    )


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
