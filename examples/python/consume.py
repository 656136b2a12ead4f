"""Prints the messages of a queue, one JSON document a line: consume.py QUEUE [COUNT]

Cancelled messages are dropped: {"cancelled": ID}. Ends after COUNT messages, if given, dropped ones included.

Needs pika. The broker: AMQP_URL, or amqp://localhost.
"""

import json
import re
import sys

import cancellations
import layout

BROKER_HEADER = re.compile(r"x-(death$|(first|last)-death-|delivery-count$|acquired-count$)")
REMEMBERED = 100_000


def main(queue, count="0"):
    declare(queue)
    connection = layout.connect()
    channel = connection.channel()
    channel.basic_qos(prefetch_count=100)
    cancelled = cancellations.Cancellations(connection)
    cancelled.prove()
    settled = {}
    left = int(count)
    for method, properties, body in channel.consume(queue, inactivity_timeout=0.1):
        if method is None:
            cancelled.has_read()
            continue
        settle(queue, method.routing_key, properties, body, cancelled, settled)
        # Last: after a crash before this line the message is redelivered, never lost.
        channel.basic_ack(method.delivery_tag)
        left -= 1
        if left == 0:
            break
    channel.cancel()
    connection.close()


def settle(queue, routing_key, properties, body, cancelled, settled):
    """Handles a message, or moves it to the dead queue, unless it is cancelled or a copy. Keeps its key in `settled`."""
    headers = properties.headers or {}
    # Early only if the clocks differ, or in a batch.
    while (early := (whole(headers.get("dueque-due")) or 0) - layout.now_ms()) > 0:
        cancelled.sleep(early / 1000)
    key = duplicate_key(properties)
    if cancelled.is_cancelled(properties.message_id, whole(headers.get("dueque-revision"))):
        # Its key is not settled: a rescheduled copy may have the same.
        print(json.dumps({"cancelled": properties.message_id}), flush=True)
    elif key not in settled:
        try:
            handle(properties, body)
        except Exception as error:
            reason = error.args[0] if isinstance(error, Refusal) else "handler-error"
            bury(queue, routing_key, properties, body, reason, str(error))
        if key is not None:
            settled[key] = True
        if len(settled) > REMEMBERED:
            del settled[next(iter(settled))]


def declare(queue):
    """On another connection: under an alarm RabbitMQ stops reading one that publishes, its acks included."""
    connection = layout.connect()
    channel = connection.channel()
    layout.declare_work_queue(channel, queue)
    cancellations.declare(channel)
    connection.close()


class Refusal(Exception):
    """A message that goes to the dead queue unhandled. The first argument is the reason."""


def handle(properties, body):
    headers = properties.headers or {}
    now = layout.now_ms()
    expires = whole(headers.get("dueque-expires"))
    if expires is not None and now >= expires:
        raise Refusal("expired", f"{now - expires} ms ago")
    if (whole(headers.get("dueque-version")) or 1) > 1:
        raise Refusal("unknown-version", headers["dueque-version"])
    try:
        payload = json.loads(body)
    except ValueError as error:
        raise Refusal("invalid-payload", error)
    due = whole(headers.get("dueque-due"))
    document = {"name": properties.type, "id": properties.message_id, "payload": payload, "due": due, "arrived": now}
    print(json.dumps(document), flush=True)


def duplicate_key(properties):
    """A key that all copies of a message share; None if the message has no such key."""
    headers = properties.headers or {}
    attempt = whole(headers.get("dueque-attempt")) or 1
    if headers.get("dueque-dedupe"):
        return headers["dueque-dedupe"], attempt
    revision = whole(headers.get("dueque-revision"))
    if properties.message_id is None or revision is None:
        return None
    return properties.message_id, revision, attempt


def bury(queue, routing_key, properties, body, reason, error):
    """Moves the message to the dead queue with the reason. Returns when that is confirmed."""
    connection = layout.connect()
    channel = connection.channel()
    channel.confirm_delivery()
    headers = {name: value for name, value in (properties.headers or {}).items() if not BROKER_HEADER.match(name)}
    headers.setdefault("dueque-to", f"queue:{queue}")
    headers["dueque-dead-reason"] = reason
    headers["dueque-dead-error"] = error[:1000]
    headers["dueque-dead-at"] = layout.now_ms()
    properties.headers = headers
    properties.delivery_mode = 2
    properties.expiration = None
    properties.user_id = None
    headers["BCC"] = [f"dq~queue~{queue}.dead"]
    channel.basic_publish(layout.DEAD, routing_key, body, properties, mandatory=True)
    connection.close()


def whole(value):
    """A whole number, also as a float or in digits; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,16}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or value < 0:
        return None
    return int(value) if value == int(value) else None


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
