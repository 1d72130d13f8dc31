"""Does the whole job of job.json with redis-py, in RESP2 and RESP3, one command at a time and
pipelined: `redis_py.py HOST:PORT [--asyncio]`. Exits with 1 on the first reply that is not as
expected."""

import asyncio
import sys

import redis
import redis.asyncio

import job


class Sync:
    """redis-py as it is mostly used."""

    def __init__(self, host, port, protocol):
        self.client = redis.Redis(host=host, port=port, protocol=protocol, decode_responses=True)

    def say(self, words):
        try:
            return self.client.execute_command(*words)
        except redis.ResponseError as refusal:
            return refusal

    def pipeline(self, commands):
        with self.client.pipeline(transaction=False) as pipe:
            for words in commands:
                pipe.execute_command(*words)
            return pipe.execute(raise_on_error=False)

    def close(self):
        self.client.close()


class Asyncio:
    """The same over asyncio, behind the same three verbs."""

    def __init__(self, host, port, protocol):
        self.loop = asyncio.new_event_loop()
        self.client = redis.asyncio.Redis(
            host=host, port=port, protocol=protocol, decode_responses=True
        )

    def say(self, words):
        try:
            return self.loop.run_until_complete(self.client.execute_command(*words))
        except redis.ResponseError as refusal:
            return refusal

    def pipeline(self, commands):
        async def send():
            async with self.client.pipeline(transaction=False) as pipe:
                for words in commands:
                    pipe.execute_command(*words)
                return await pipe.execute(raise_on_error=False)

        return self.loop.run_until_complete(send())

    def close(self):
        self.loop.run_until_complete(self.client.aclose())
        self.loop.close()


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    kind = Asyncio if "--asyncio" in sys.argv else Sync
    for run, protocol in enumerate((2, 3)):
        client = kind(host, int(port), protocol)
        steps = job.run(client.say, run)
        piped = job.run_pipeline(client.pipeline, run)
        client.close()
        name = f"redis-py {redis.__version__} {kind.__name__.lower()} RESP{protocol}"
        print(f"{name}: {steps} steps, {piped} pipelined commands: ok")


main()
