"""Does the whole job of job.json with redis-cli: in RESP2 and RESP3 with one process a command, as a
script through a pipe, as a mass insertion, and as a console on a terminal, where it asks for the
documentation of all commands. `redis_cli.py HOST:PORT`. Exits with 1 on the first reply that is not
as expected."""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

import job

# Nothing that is waited for takes this long.
DEADLINE_SECONDS = 60


class Refusal(Exception):
    pass


class Cli:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.base = ["redis-cli", "-h", host, "-p", port]

    def run(self, arguments, given=b""):
        done = subprocess.run(
            self.base + arguments, input=given, capture_output=True, timeout=DEADLINE_SECONDS
        )
        if done.returncode not in (0, 1):
            raise job.Mismatch(f"redis-cli {arguments} ended with {done.returncode}: {done.stderr}")
        return done

    def say(self, protocol):
        """A function from words to the reply as redis-cli shows it in JSON."""

        def say(words):
            # With -e an error goes to standard error and the exit code says so.
            done = self.run([protocol, "-e", "--json", *words])
            if done.returncode:
                return Refusal(done.stderr.decode().strip() or done.stdout.decode().strip())
            # It shows the text of INFO as it is.
            return done.stdout.decode() if words[0] == "INFO" else json.loads(done.stdout)

        return say


def through_a_pipe(cli):
    """Commands as lines of standard input: one connection, replies in order."""
    lines = ["ATP.GET MUG", "HELLO 3", "ATP.GET MUG", "COMMAND COUNT", "STOCK.GET NOTHING", "PING"]
    shown = cli.run([], "\n".join(lines).encode()).stdout.decode()
    for part in ("26\n", "redis", "NOTFOUND sku is 'NOTHING'", "PONG"):
        if part not in shown:
            raise job.Mismatch(f"'{part}' is not in what a script was answered:\n{shown}")
    docs = cli.run([], b"COMMAND DOCS\n").stdout.decode()
    for name in ("atp.get", "order.submit", "stock.set"):
        if name not in docs:
            raise job.Mismatch(f"COMMAND DOCS does not document {name}")
    return len(lines) + 1


def mass_insertion(cli, count=5000):
    """`redis-cli --pipe`: many writes in the protocol's own bytes, counted by redis-cli."""
    commands = [["ITEM.PUT", "INSERTED", '{"grams":1}']]
    commands += [["STOCK.SET", f"insert.{i}", "INSERTED", "DC-ORD", str(i)] for i in range(count)]
    commands += [["STOCK.GET", "NOTHING"]]

    def frame(words):
        parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
        return f"*{len(words)}\r\n{''.join(parts)}".encode()

    shown = cli.run(["--pipe"], b"".join(map(frame, commands))).stdout.decode()
    if f"errors: 1, replies: {len(commands)}" not in shown:
        raise job.Mismatch(f"redis-cli --pipe says:\n{shown}")
    last = cli.say("-2")(["ATP.GET", "INSERTED"])
    if last != [count - 1]:
        raise job.Mismatch(f"after a mass insertion ATP is {last}")
    return len(commands)


class Terminal:
    """redis-cli as a person uses it."""

    def __init__(self, command):
        self.shown = ""
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.environ["TERM"] = "xterm"
            rows_and_columns = struct.pack("HHHH", 50, 200, 0, 0)
            fcntl.ioctl(0, termios.TIOCSWINSZ, rows_and_columns)
            os.execvp(command[0], command)

    def wait_for(self, text):
        """Reads up to `text`, and drops everything before its end."""
        until = time.monotonic() + DEADLINE_SECONDS
        while text not in self.shown:
            ready, _, _ = select.select([self.terminal], [], [], max(0, until - time.monotonic()))
            try:
                data = os.read(self.terminal, 1 << 16) if ready else b""
            except OSError:  # the terminal's other end is closed
                data = b""
            if not data:
                raise job.Mismatch(f"the console never said '{text}':\n{self.shown[-2000:]}")
            self.shown += data.decode(errors="replace")
        self.shown = self.shown.split(text, 1)[1]

    def type(self, line):
        os.write(self.terminal, line.encode() + b"\r")

    def end(self):
        self.wait_for("> ")
        self.type("exit")
        # Should it not listen, it loses its terminal and ends with a signal.
        select.select([self.terminal], [], [], 1)
        os.close(self.terminal)
        os.waitpid(self.process, 0)


def console(cli):
    """On a terminal redis-cli asks for `COMMAND DOCS` and helps with what it got."""
    terminal = Terminal(cli.base)
    steps = [
        ("ATP.GET MUG", "1) (integer) 26"),
        ("help ATP.GET", "Units that may be promised"),
        ("RESERVATION.PUT typed FIRM LINES MUG DC-ORD 1", '2) "DC-ORD"'),
        ("STOCK.GET NOTHING", "(error) NOTFOUND sku is 'NOTHING'"),
        ("HELLO 3", '"proto" => (integer) 3'),
        ("RESERVATION.CANCEL typed", "(integer) 1"),
    ]
    for line, shown in steps:
        terminal.wait_for("> ")
        terminal.type(line)
        terminal.wait_for(shown)
    terminal.end()
    return len(steps)


def main():
    cli = Cli(sys.argv[1])
    version = cli.run(["--version"]).stdout.decode().strip()
    for run, protocol in enumerate(("-2", "-3")):
        steps = job.run(cli.say(protocol), run)
        print(f"{version} RESP{protocol[1]}: {steps} steps: ok")
    for way in (through_a_pipe, mass_insertion, console):
        print(f"{version} {way.__name__.replace('_', ' ')}: {way(cli)} commands: ok")


main()
