"""Kills a server under a client that follows its feed, and starts it again:
`feed.py ALLOT FOLDER COMMAND...`.

COMMAND is a follower; it is given HOST:PORT as its last word. It has to see every event of the stream
`stock` in order, and ends with 0 after the one whose reason is `last`. Meanwhile counts are
adjusted, one after the other; the server is killed (SIGKILL) twice and started again on the same
port."""

import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

KILLS = 2
WRITES = 150
DEADLINE = 120


class Server:
    def __init__(self, allot, folder, listen):
        command = [allot, "serve", "--data-dir", folder, "--listen", listen]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        for line in self.process.stdout:
            if line.startswith("listening "):
                self.address = line.split()[1]
                return
        raise SystemExit(f"the server did not start: {' '.join(command)}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Connection:
    """As little of the protocol as writing takes."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=DEADLINE)
        self.file = self.socket.makefile("rb")

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def reply(self):
        line = self.file.readline().decode().rstrip("\r\n")
        kind, rest = line[0], line[1:]
        if kind == "-":
            raise SystemExit(f"refused: {rest}")
        if kind == "*":
            return [self.reply() for _ in range(int(rest))]
        if kind == "$":
            return None if rest == "-1" else self.file.read(int(rest) + 2)[:-2].decode()
        return rest


def wait_for_group(connection):
    since = time.monotonic()
    while not any(
        line.startswith("group_stock/") for line in connection.say("INFO feed").splitlines()
    ):
        if time.monotonic() - since > DEADLINE:
            raise SystemExit("the follower does not make its group")
        time.sleep(0.02)


def main():
    allot, folder, *command = sys.argv[1:]
    shutil.rmtree(folder, ignore_errors=True)
    pathlib.Path(folder).parent.mkdir(parents=True, exist_ok=True)
    server = Server(allot, folder, "127.0.0.1:0")
    follower = subprocess.Popen([*command, server.address])
    try:
        wait_for_group(Connection(server.address))
        for part in range(KILLS + 1):
            writer = Connection(server.address)
            for n in range(WRITES):
                writer.say(f"STOCK.ADJUST feed-{part}-{n} SKU-00001 DC-ORD 1 found")
            if part < KILLS:
                server.kill()
                server = Server(allot, folder, server.address)
        Connection(server.address).say("STOCK.ADJUST feed-end SKU-00001 DC-ORD 1 last")
        sys.exit(follower.wait(timeout=DEADLINE))
    finally:
        follower.kill()
        server.kill()


main()
