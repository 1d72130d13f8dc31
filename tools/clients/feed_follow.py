"""Follows the stream `stock` with redis-py as one of a consumer group, through whatever happens to the
server, up to the event with reason `last`; fails unless it saw every event, in order:
`feed_follow.py HOST:PORT`."""

import sys
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

WRITES_LEAST = 451


def connect(address):
    host, port = address.rsplit(":", 1)
    # By itself it would send a read again, and not look for what the lost one was given.
    never = Retry(NoBackoff(), 0)
    return redis.Redis(
        host=host, port=int(port), decode_responses=True, socket_timeout=5, retry=never
    )


def patient(act):
    """Tries again while the server is away or reads its state."""
    since = time.monotonic()
    while True:
        try:
            return act()
        except (redis.ConnectionError, redis.TimeoutError):
            if time.monotonic() - since > 60:
                raise
            time.sleep(0.05)


def events_of(reply):
    """Ids and fields, of RESP2's list of streams or RESP3's map of them."""
    streams = reply.values() if isinstance(reply, dict) else [events for _, events in reply or []]
    found = [event for events in streams for event in events]
    # In RESP3 a stream may come as a list of lists.
    return [e for event in found for e in (event if isinstance(event[0], (list, tuple)) else [event])]


def place(event_id):
    return tuple(int(part) for part in event_id.split("-"))


def main():
    client = connect(sys.argv[1])
    start = patient(lambda: client.xrevrange("stock", count=1))
    start = start[0][0] if start else "0-0"
    try:
        patient(lambda: client.xgroup_create("stock", "follower", start))
    except redis.ResponseError as refusal:
        if "BUSYGROUP" not in str(refusal):
            raise
    seen, given, after, ended, breaks = [], 0, "0", False, 0
    while not ended:
        try:
            reply = client.xreadgroup("follower", "py", {"stock": after}, count=20, block=500)
            events = events_of(reply)
            for event_id, fields in events:
                given += 1
                if event_id not in seen:
                    seen.append(event_id)
                ended = ended or fields.get("reason") == "last"
            if events:
                client.xack("stock", "follower", *[event_id for event_id, _ in events])
            else:
                after = ">"
        except (redis.ConnectionError, redis.TimeoutError):
            # What was given and not acknowledged comes first.
            after, ended, breaks = "0", False, breaks + 1
            if breaks > 2000:
                raise
            time.sleep(0.05)
    every = [event_id for event_id, _ in client.xrange("stock", f"({start}", "+")]
    assert seen == every, f"saw {len(seen)} events of {len(every)}"
    assert sorted(seen, key=place) == seen, "out of order"
    assert len(seen) >= WRITES_LEAST and breaks > 0, (len(seen), breaks)
    print(f"redis-py {redis.__version__}: {len(seen)} events in order, {given} given: ok")


main()
