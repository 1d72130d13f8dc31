"""Runs the job of job.json with any client, and compares each reply with what is expected.

A client is a function from the words of a command to its reply, or to an exception that is the
server's refusal. Replies may be RESP2's or RESP3's: a map may come as a list of keys and values."""

import json
import pathlib
import re

STEPS = json.loads((pathlib.Path(__file__).parent / "job.json").read_text(encoding="utf-8"))
NAMES = r"\b(MUG|BOWL|ST-TEST|count-\d|adj-\d|feed-\d|safety-\d|hold-\d|release-\d|t-\d|delay-\d|rcv-\d|po-\d|cancel-\d|alloc-\d|cart-\d|100\d)\b"


class Mismatch(SystemExit):
    pass


def renamed(value, run):
    """The names that the job makes up, as those of the given run: every run has its own, so that
    several can follow each other on one server."""
    if run == 0:
        return value
    if isinstance(value, str):
        return re.sub(NAMES, rf"\1.{run}", value)
    if isinstance(value, list):
        return [renamed(v, run) for v in value]
    if isinstance(value, dict):
        return {k: renamed(v, run) for k, v in value.items()}
    return value


def as_map(reply):
    if isinstance(reply, list):
        return dict(zip(reply[::2], reply[1::2]))
    return reply


def fits(reply, wanted):
    """Whether an object has the wanted fields, and anything else is equal."""
    if isinstance(wanted, dict):
        reply = as_map(reply)
        return isinstance(reply, dict) and all(
            k in reply and fits(reply[k], v) for k, v in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(reply, list)
            and len(reply) == len(wanted)
            and all(fits(r, w) for r, w in zip(reply, wanted))
        )
    return reply == wanted


def check(step, reply, named):
    refused = isinstance(reply, Exception)
    if "refused" in step:
        # Some libraries cut the code `ERR` off.
        text = str(reply) if str(reply).split(" ")[0].isupper() else f"ERR {reply}"
        return refused and text.startswith(step["refused"])
    if refused:
        return False
    if "same_as" in step:
        return as_map(reply) == as_map(named[step["same_as"]])
    if "contains" in step:
        if isinstance(reply, dict):  # redis-py takes `INFO` apart
            reply = "\n".join(f"{key}:{value}" for key, value in reply.items())
        return step["contains"] in reply
    if "json" in step:
        return fits(json.loads(reply), step["json"])
    if "map" in step:
        return fits(as_map(reply), step["map"])
    return fits(reply, step["reply"])


def run(say, number=0):
    """Says each step and checks its reply. Returns how many there were."""
    named = {}
    for step in (renamed(step, number) for step in STEPS):
        # `INFO` counts the orders of all runs.
        if "contains" in step:
            step["contains"] = f"orders_known:{number + 1}"
        reply = say(step["say"])
        if "as" in step:
            named[step["as"]] = reply
        if not check(step, reply, named):
            raise Mismatch(f"{step}\n  was answered {reply!r}")
    return len(STEPS)


def run_pipeline(pipeline, number=0, count=1000):
    """Takes `count` units one by one, reading what is left in between, all in one pipeline."""
    sku = f"PIPED.{number}"
    prepare = [
        ["ITEM.PUT", sku, '{"grams":1}'],
        ["STOCK.SET", f"{sku}.count", sku, "DC-ORD", str(count)],
    ]
    commands = []
    for i in range(count):
        commands.append(["RESERVATION.PUT", f"{sku}.{i}", "FIRM", "LINES", sku, "DC-ORD", "1"])
        commands.append(["ATP.GET", sku])
    commands.append(["RESERVATION.PUT", f"{sku}.more", "FIRM", "LINES", sku, "DC-ORD", "1"])
    replies = pipeline(prepare + commands)[len(prepare):]
    left = [reply for reply in replies[1::2]]
    if left != [[count - 1 - i] for i in range(count)]:
        raise Mismatch(f"a pipeline was answered out of order or not whole: {left[:5]}...")
    if not isinstance(replies[-1], Exception) or "NOSTOCK" not in str(replies[-1]):
        raise Mismatch(f"the unit after the last was answered {replies[-1]!r}")
    return len(prepare) + len(commands)
