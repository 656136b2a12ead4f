"""The broker layout of dueque v1 and the path of a message through it. Its description: docs/wire-format.md."""

import os
import time

import pika

PREFIX = "dueque.v1"
DELIVER = f"{PREFIX}.deliver"
UNROUTABLE = f"{PREFIX}.unroutable"
PARKED = f"{PREFIX}.parked"
DEAD = f"{PREFIX}.dead"

# Name, milliseconds of one step, and how one step is written. Smallest first.
UNITS = (
    ("ms", 10, 10, "ms"),
    ("s", 1_000, 1, "s"),
    ("m", 60_000, 1, "m"),
    ("h", 3_600_000, 1, "h"),
    ("d", 86_400_000, 1, "d"),
    ("c", 8_640_000_000, 100, "d"),
)
LONGEST_DELAY_MS = 3650 * 86_400_000

# Arguments of queues that dead-letter, and of queues that keep undeliverable messages.
SAFE = {
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
    "x-queue-leader-locator": "balanced",
}
STORAGE = {"x-queue-type": "quorum", "x-delivery-limit": 2**31 - 1, "x-queue-leader-locator": "balanced"}


def connect():
    return pika.BlockingConnection(pika.URLParameters(os.environ.get("AMQP_URL", "amqp://localhost")))


def now_ms():
    return time.time_ns() // 1_000_000


def digits(delay_ms):
    """The delay, rounded up within the tolerance, in as few non-zero digits as possible."""
    tolerance = min(max(delay_ms * 0.001, 10), 1000)
    best, fewest = None, None
    for _, step, *_ in UNITS:
        total = -(-delay_ms // step) * step
        if best and total > min(delay_ms + tolerance, LONGEST_DELAY_MS):
            break
        rest, split = total, []
        for _, other, *_ in reversed(UNITS):
            digit, rest = divmod(rest, other)
            split.insert(0, digit)
        used = len(UNITS) - split.count(0)
        if best is None or used < fewest:
            best, fewest = split, used
    return best


def path(delay_ms, destination):
    """The exchange to publish to, the keys for BCC, and the rungs as (unit, name, TTL)."""
    if delay_ms > LONGEST_DELAY_MS:
        raise ValueError(f"due in {delay_ms} ms, over the limit of {LONGEST_DELAY_MS}")
    if delay_ms <= 0:
        return DELIVER, [destination], []
    split = digits(delay_ms)
    used = [i for i, digit in enumerate(split) if digit]
    keys, rungs = [], []
    for digit, (unit, step, factor, letters) in list(zip(split, UNITS))[used[0] : used[-1] + 1]:
        keys.append(f"dq~{digit * factor}{letters}" if digit else f"dq~0{unit}")
        if digit:
            rungs.append((unit, f"{digit * factor}{letters}", digit * step))
    if used[-1] + 1 < len(UNITS):
        keys.append(f"dq~end~{UNITS[used[-1] + 1][0]}")
    return f"{PREFIX}.entry.{UNITS[used[0]][0]}", keys + [destination], rungs


def declare_base(channel):
    """The exchange for due messages, and the queues for undeliverable ones."""
    channel.exchange_declare(UNROUTABLE, "fanout", durable=True)
    channel.queue_declare(UNROUTABLE, durable=True, arguments=STORAGE)
    channel.exchange_declare(PARKED, "fanout", durable=True)
    channel.queue_declare(PARKED, durable=True, arguments=STORAGE)
    channel.queue_bind(PARKED, PARKED, "")
    channel.exchange_declare(DEAD, "direct", durable=True)
    channel.queue_bind(UNROUTABLE, UNROUTABLE, "")
    channel.exchange_declare(DELIVER, "direct", durable=True, arguments={"alternate-exchange": UNROUTABLE})


def declare_ladder(channel):
    declare_base(channel)
    names = [unit for unit, *_ in UNITS]
    for unit in names:
        channel.exchange_declare(f"{PREFIX}.entry.{unit}", "direct", durable=True)
    for unit in names[1:]:
        arguments = {"alternate-exchange": UNROUTABLE}
        channel.exchange_declare(f"{PREFIX}.next.{unit}", "direct", durable=True, arguments=arguments)
    for unit in names[1:]:
        channel.exchange_bind(after(unit), f"{PREFIX}.next.{unit}", f"dq~0{unit}")
        channel.exchange_bind(DELIVER, f"{PREFIX}.next.{unit}", f"dq~end~{unit}")


def declare_rung(channel, unit, name, ttl_ms):
    queue = f"{PREFIX}.wait.{name}"
    arguments = {"x-queue-type": "quorum", "x-message-ttl": ttl_ms, "x-dead-letter-exchange": after(unit), **SAFE}
    channel.queue_declare(queue, durable=True, arguments=arguments)
    channel.queue_bind(queue, f"{PREFIX}.entry.{unit}", f"dq~{name}")
    if unit != "ms":
        channel.queue_bind(queue, f"{PREFIX}.next.{unit}", f"dq~{name}")


def declare_work_queue(channel, queue):
    """The queue, its dead queue, and their bindings to the deliver exchange."""
    declare_base(channel)
    dead = f"{queue}.dead"
    channel.queue_declare(dead, durable=True, arguments=STORAGE)
    for exchange in (DEAD, DELIVER):
        channel.queue_bind(dead, exchange, f"dq~queue~{dead}")
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": 1000,
        "x-dead-letter-exchange": DELIVER,
        "x-dead-letter-routing-key": f"dq~queue~{dead}",
        **SAFE,
    }
    # An existing queue is used as it is: its limit may differ.
    if not exists(channel, queue):
        channel.queue_declare(queue, durable=True, arguments=arguments)
    channel.queue_bind(queue, DELIVER, f"dq~queue~{queue}")


def exists(channel, queue):
    # On its own channel: the broker closes it if the queue is missing.
    probe = channel.connection.channel()
    try:
        probe.queue_declare(queue, passive=True)
    except pika.exceptions.ChannelClosedByBroker:
        return False
    probe.close()
    return True


def after(unit):
    """The exchange behind the rungs of a unit."""
    names = [name for name, *_ in UNITS]
    return f"{PREFIX}.next.{names[names.index(unit) + 1]}" if unit != names[-1] else DELIVER
