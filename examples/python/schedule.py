"""Schedules a message for a queue: schedule.py QUEUE MILLISECONDS NAME PAYLOAD

    python3 examples/python/schedule.py reminders 5000 appointment.reminder '{"patient": "p-7", "room": "2b"}'

Needs pika. The broker: AMQP_URL, or amqp://localhost.
"""

import json
import random
import sys
import uuid

import pika

import layout


def schedule(channel, queue, name, payload, due, message_id=None, after=-1):
    """Returns when the broker has confirmed that the message waits. Its revision is greater than `after`."""
    now = layout.now_ms()
    # Computed from the due instant, so that the time until here does not add up.
    exchange, keys, rungs = layout.path(due - now, f"dq~queue~{queue}")
    for rung in rungs:
        layout.declare_rung(channel, *rung)
    properties = pika.BasicProperties(
        message_id=message_id or str(uuid.uuid4()),
        type=name,
        content_type="application/json",
        delivery_mode=2,
        timestamp=now // 1000,
        headers={
            "dueque-due": due,
            "dueque-revision": max(now * 1000 + random.randrange(1000), after + 1),
            "dueque-attempt": 1,
            "dueque-to": f"queue:{queue}",
            "dueque-version": 1,
            "BCC": keys,
        },
    )
    # A missing rung, or a nack, is an error here: confirm_delivery and mandatory.
    channel.basic_publish(exchange, queue, json.dumps(payload).encode(), properties, mandatory=True)
    return {"id": properties.message_id, "due": due, "revision": properties.headers["dueque-revision"]}


def main(queue, delay_ms, name, payload):
    due = layout.now_ms() + int(delay_ms)
    connection = layout.connect()
    channel = connection.channel()
    channel.confirm_delivery()
    layout.declare_ladder(channel)
    layout.declare_work_queue(channel, queue)
    print(json.dumps(schedule(channel, queue, name, json.loads(payload), due)))
    connection.close()


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
