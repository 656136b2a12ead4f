"""Cancellations of dueque v1: writes records, and reads them. Their description: docs/reference/wire-format/cancellations.md."""

import datetime
import json
import time
import uuid

import pika

import layout

EXCHANGE = f"{layout.PREFIX}.cancellations"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

# Name, milliseconds, and x-max-age as it is to be written. Shortest first.
HORIZONS = (
    ("1h", HOUR_MS, "169h"),
    ("8h", 8 * HOUR_MS, "176h"),
    ("3d", 3 * DAY_MS, "10D"),
    ("30d", 30 * DAY_MS, "37D"),
    ("1y", 365 * DAY_MS, "372D"),
    ("10y", 3650 * DAY_MS, "3657D"),
)
UNKNOWN_DUE_MS = 30 * DAY_MS
# As in every other program of the namespace: connect({ cancellations: { marginMs, graceMs } }).
MARGIN_MS = 1000
GRACE_MS = DAY_MS
CLOCKS_DIFFER_MS = 60_000


def declare(channel):
    """The exchange, the streams, and a first record without content in each stream that is empty."""
    channel.exchange_declare(EXCHANGE, "direct", durable=True)
    for name, _, max_age in HORIZONS:
        stream = f"{EXCHANGE}.{name}"
        arguments = {
            "x-queue-type": "stream",
            "x-max-age": max_age,
            "x-stream-max-segment-size-bytes": 4_000_000,
            "x-queue-leader-locator": "balanced",
        }
        declared = channel.queue_declare(stream, durable=True, arguments=arguments)
        channel.queue_bind(stream, EXCHANGE, name)
        if declared.method.message_count == 0:
            publish(channel, name, b"")


def cancel(channel, message_id, revision, due=None):
    """Cancels one schedule and its retries. Returns 'cancelled', 'too-late' or 'unknown'."""
    return write(channel, {"id": message_id, "revision": revision}, due)


def cancel_all(channel, message_id, due=None):
    """Cancels everything that was scheduled under the id until now. Returns as cancel does."""
    return write(channel, {"id": message_id, "upTo": layout.now_ms() * 1000 + 999}, due)


def keep(channel, message_id, revision, due=None, new_due=None):
    """Cancels every smaller revision: this one, which is confirmed already, replaces them. Returns as cancel does."""
    # Copies of concurrent and of repeated attempts may be due as late as the new one.
    latest = None if due is None else max(due, new_due or due)
    return write(channel, {"id": message_id, "keep": revision}, due, latest)


def write(channel, record, due, latest=None):
    """Returns when the record is confirmed: the channel needs confirm_delivery()."""
    latest = latest or due
    if latest is not None:
        record["due"] = latest
    publish(channel, horizon_for(latest, layout.now_ms()), json.dumps(record).encode())
    if due is None:
        return "unknown"
    return "cancelled" if layout.now_ms() + MARGIN_MS <= due else "too-late"


def horizon_for(due, now):
    """The shortest that covers the rest of the wait; 30d for a due time that is not known, or past."""
    left = UNKNOWN_DUE_MS if due is None or due <= now else due - now
    return next((name for name, ms, _ in HORIZONS if left <= ms), HORIZONS[-1][0])


def publish(channel, horizon, body):
    properties = pika.BasicProperties(
        message_id=str(uuid.uuid4()),
        content_type="application/x-ndjson",
        delivery_mode=2,
        timestamp=layout.now_ms() // 1000,
    )
    channel.basic_publish(EXCHANGE, horizon, body, properties, mandatory=True)


class Cancellations:
    """Reads the streams, and knows which messages are cancelled.

    Over a connection on which nothing is published. There is no reconnect here: a program that loses its connection ends,
    and reads everything again when it is started anew.
    """

    def __init__(self, connection):
        self.connection = connection
        self.unreadable = 0
        self._exact = {}  # (id, revision): until when it is remembered
        self._below = {}  # id: (every smaller revision is cancelled, until when it is remembered)
        self._offsets = {}  # stream: of the last message that was read
        self._started = {}  # stream: the time from which it is read
        self._read_at = float("-inf")
        self._probe = connection.channel()
        for name, ms, _ in HORIZONS:
            self._read(f"{EXCHANGE}.{name}", layout.now_ms() - ms - GRACE_MS - CLOCKS_DIFFER_MS)

    def sleep(self, seconds):
        """Records are read meanwhile, and heartbeats answered."""
        self.connection.sleep(seconds)
        self.has_read()

    def has_read(self):
        """The connection was read until now."""
        self._read_at = time.monotonic()

    def is_cancelled(self, message_id, revision):
        """To be asked right before a handler starts: it reads first what may have come meanwhile."""
        if time.monotonic() - self._read_at > MARGIN_MS / 2000:
            self.prove()
        else:
            self._read_socket()
        if message_id is None or revision is None:
            return False
        below, _ = self._below.get(message_id, (0, 0))
        return revision < below or (message_id, revision) in self._exact

    def prove(self):
        """Returns when every record has been read that is in the streams now."""
        for stream, (offset, written) in self._ends().items():
            # Nothing comes from a stream whose last message is older than the start, by the broker's clock.
            patience = time.monotonic() + (5 if written >= self._started[stream] - CLOCKS_DIFFER_MS else 0)
            while stream not in self._offsets and time.monotonic() < patience:
                self.connection.process_data_events(0.05)
            while stream in self._offsets and self._offsets[stream] < offset:
                self.connection.process_data_events(0.05)
        self.has_read()
        self._forget()

    def _read(self, stream, start):
        def on_message(channel, method, properties, body):
            self._offsets[stream] = properties.headers["x-stream-offset"]
            written = properties.timestamp * 1000 if properties.timestamp else layout.now_ms()
            for line in body.split(b"\n"):
                if line.strip():
                    self._add(line, written)
            # At once: a record that stays unacknowledged for long closes the channel.
            channel.basic_ack(method.delivery_tag)

        self._started[stream] = start
        # pika writes a datetime as a timestamp, which is what a stream demands.
        offset = datetime.datetime.fromtimestamp(start // 1000, datetime.timezone.utc)
        self._consume(stream, offset, on_message)

    def _ends(self):
        """Offset and time of the last message of each stream, by a second reader. Nothing for an empty one."""
        ends, channels = {}, []
        for stream in self._started:

            def on_message(channel, method, properties, _, stream=stream):
                ends[stream] = properties.headers["x-stream-offset"], (properties.timestamp or 0) * 1000
                channel.basic_ack(method.delivery_tag)

            channels.append(self._consume(stream, "last", on_message))
        patience = time.monotonic() + 5
        while len(ends) < len(channels) and time.monotonic() < patience:
            self.connection.process_data_events(0.05)
        # A reader at `last` gets the whole last chunk at once, which may be several messages.
        self._read_socket()
        for channel in channels:
            channel.close()
        return ends

    def _consume(self, stream, offset, on_message):
        channel = self.connection.channel()
        # A reader at `last` needs room for a whole chunk: what does not fit would come later.
        channel.basic_qos(prefetch_count=65_535 if offset == "last" else 500)
        channel.basic_consume(stream, on_message, arguments={"x-stream-offset": offset})
        return channel

    def _read_socket(self):
        # The answer comes behind everything that the broker has sent before.
        self._probe.basic_qos(prefetch_count=1)
        self.connection.process_data_events(0)
        self.has_read()

    def _add(self, line, written):
        try:
            message_id, kind, revision, due = parse(line)
        except (ValueError, KeyError, TypeError):
            self.unreadable += 1
            return
        until = max(written + UNKNOWN_DUE_MS if due is None else due, written) + GRACE_MS
        if kind == "revision":
            key = (message_id, revision)
            self._exact[key] = max(until, self._exact.get(key, 0))
            return
        below, known_until = self._below.get(message_id, (0, 0))
        self._below[message_id] = max(below, revision + (kind == "upTo")), max(until, known_until)

    def _forget(self):
        now = layout.now_ms()
        self._exact = {key: until for key, until in self._exact.items() if until >= now}
        self._below = {key: value for key, value in self._below.items() if value[1] >= now}


def parse(line):
    """Id, kind, revision and due time of a record."""
    record = json.loads(line)
    message_id, due = record["id"], record.get("due")
    (kind,) = [name for name in ("revision", "upTo", "keep") if name in record]
    numbers = [record[kind]] + ([due] if "due" in record else [])
    if not isinstance(message_id, str) or not message_id or not all(map(is_whole, numbers)):
        raise ValueError("not a record of a cancellation")
    return message_id, kind, record[kind], due


def is_whole(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 2**53 and value == int(value)
