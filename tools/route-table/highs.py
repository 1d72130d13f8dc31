"""Solves exported orders with HiGHS and prints one table: how long the router takes by lines and
locations, and beside it how much longer HiGHS takes, and whether both find the same cost.

Run by `tools/route-table/run`. The model: binary z[j,b] opens location j with the heaviest weight step b
that its shipment may fill; y[i,j] says whether j ships line i, and u[i,j] how many units where a line may
be divided. Mass and dimensional weight are two rows, since the larger of both counts. A location ships
at most once: with these tariffs a second shipment from it never pays.
"""

import json
import statistics
import sys

from programme import Programme, solve_within

# Seconds to write a programme down, and to end after the limit.
GRACE = 30


def programme_of(order):
    programme = Programme()
    demands, step = order["demands"], order["bracket"]
    supply = [[] for _ in demands]
    opened = []
    for place in order["places"]:
        held = []
        for i, demand in enumerate(demands):
            units = min(place["stock"][i], demand["units"])
            if units == demand["units"] or (demand["divisible"] and units):
                held.append((i, units))
        if not held:
            continue
        heaviest = max(sum(units * demands[i][of] for i, units in held) for of in ("grams", "volume"))
        curve = place["curve"][: max(1, -(-heaviest // step))]
        steps = [programme.variable(cents + order["split"]) for cents in curve]
        # Whether it ships at all: rows that say so need not name every step.
        open_ = programme.variable(0)
        programme.row([(s, 1) for s in steps] + [(open_, -1)], 0, 0)
        opened.append(open_)
        mass, volume = [], []
        for i, units in held:
            demand = demands[i]
            if demand["divisible"]:
                ships = programme.variable(place["line"])
                taken, each = programme.variable(place["unit"], units), 1
                programme.row([(taken, 1), (ships, -units)], None, 0)
            else:
                each = demand["units"]
                taken = ships = programme.variable(place["line"] + place["unit"] * each)
            supply[i].append((taken, each))
            mass.append((taken, demand["grams"] * each))
            volume.append((taken, demand["volume"] * each))
            programme.row([(ships, 1), (open_, -1)], None, 0)
        room = [(s, -step * (b + 1)) for b, s in enumerate(steps)]
        programme.row(mass + room, None, 0)
        programme.row(volume + room, None, 0)
    for i, demand in enumerate(demands):
        each = 1 if demand["divisible"] else demand["units"]
        short = programme.variable(demand["short"] * each, demand["units"] // each)
        programme.row(supply[i] + [(short, each)], demand["units"], demand["units"])
    programme.row([(o, 1) for o in opened], None, order["most"])
    return programme


def solve(order, limit):
    # Every shipment pays the split penalty but the first.
    seconds, optimal, cents = solve_within(limit, GRACE, lambda: programme_of(order), -order["split"])
    # To ship nothing pays no split penalty that could be taken off.
    nothing = sum(d["short"] * d["units"] for d in order["demands"])
    return seconds, optimal, None if cents is None else min(cents, nothing)


class Beside:
    """What HiGHS says of one cell's orders."""

    def __init__(self):
        self.router, self.seconds, self.costs = [], [], []
        self.proven = self.both = self.differ = 0

    def note(self, order, seconds, optimal, cents):
        name = f"{order['kind']} {order['lines']} x {order['locations']} number {order['number']}"
        self.router.append(order["micros"])
        self.seconds.append(seconds)
        self.proven += optimal
        if cents is not None:
            self.costs.append((order["cents"], cents))
        if not optimal:
            return
        if order["bound"] == order["cents"]:
            self.both += 1
            if cents != order["cents"]:
                self.differ += 1
                print(f"DIFFERENT: {name}: {order['cents']}, HiGHS {cents}", flush=True)
        if order["bound"] > cents or order["cents"] < cents:
            self.differ += 1
            print(f"WRONG BOUND OR PLAN: {name}: {order['bound']}..{order['cents']}, HiGHS {cents}", flush=True)

    def cells(self):
        """Milliseconds, ratio, how many both prove at the same cost, how much the router's plans cost more."""
        if not self.seconds:
            return ["", "", "", ""]
        asked = len(self.seconds)
        more = "" if self.proven == asked else "> "
        theirs = 1e6 * statistics.median(self.seconds)
        ratio = theirs / statistics.median(self.router)
        ours, best = (sum(side) for side in zip(*self.costs)) if self.costs else (0, 0)
        above = f"{100 * (ours / best - 1):+.2f} % ({self.proven} proven)" if best else "it has no plan"
        return [more + figure(theirs / 1e3), more + f"{ratio:,.0f}", f"{self.both - self.differ} of {asked}", above]


def figure(number):
    """Three digits, or all of the whole part."""
    return f"{number:.{2 if number < 10 else 1 if number < 100 else 0}f}" if number < 1000 else f"{number:,.0f}"


def router_cell(cell):
    micros = figure(cell["median"])
    if cell["proven"] == cell["orders"]:
        return micros
    return f"{micros} ({cell['proven']} of {cell['orders']}, gap {cell['gap']:.1f} %)"


def read(path):
    """What was timed, by kind and size; then the orders, one by one."""
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if "cell" in row:
                yield row["cell"], None
            else:
                yield None, row


def main():
    path, limit = sys.argv[1], float(sys.argv[2])
    timed = {}
    beside = {}
    for cell, order in read(path):
        if cell:
            timed[cell["kind"], cell["lines"], cell["locations"]] = cell
            continue
        here = beside.setdefault((order["lines"], order["locations"]), Beside())
        # Each cell has so many seconds; an order that is begun may take as many.
        left = sum(here.seconds) < limit
        if left:
            here.note(order, *solve(order, limit))
        print(f"\r{order['kind']} {order['lines']} x {order['locations']}    ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    kinds = list(dict.fromkeys(kind for kind, _, _ in timed))
    print(f"Router: microseconds, median (where not all are proven: how many, mean gap). HiGHS: at most {limit:g} s an order.\n")
    print("| lines × locations | " + " | ".join(kinds) + " | HiGHS, ms | ratio | same cost, both proven | router above HiGHS |")
    print("| --- |" + " --- |" * (len(kinds) + 4))
    for lines, locations in dict.fromkeys((l, n) for _, l, n in timed):
        cells = [timed.get((kind, lines, locations)) for kind in kinds]
        ours = [router_cell(cell) if cell else "" for cell in cells]
        theirs = beside.get((lines, locations), Beside()).cells()
        print(f"| {lines} × {locations:,} | " + " | ".join(ours + theirs) + " |")
    every = beside.values()
    differ = sum(b.differ for b in every)
    print(f"\n{sum(b.both for b in every)} of {sum(len(b.seconds) for b in every)} orders proven by both, {differ} differ")
    sys.exit(1 if differ else 0)


main()
