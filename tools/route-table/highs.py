"""Solves exported orders with HiGHS and prints, by lines and locations, how much longer it takes than
the router, and whether both find the same cost.

Run by `tools/route-table/run`. The model: binary z[j,b] opens location j with the heaviest weight step b
that its shipment may fill; y[i,j] says whether j ships line i, and u[i,j] how many units where a line may
be divided. Mass and dimensional weight are two rows, since the larger of both counts. A location ships
at most once: with these tariffs a second shipment from it never pays. One thread.
"""

import json
import statistics
import sys
import time

import highspy


def solve(order, limit):
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("threads", 1)
    model.setOptionValue("time_limit", limit)
    # Whole cents: an absolute gap below one is a proof.
    model.setOptionValue("mip_rel_gap", 0.0)
    model.setOptionValue("mip_abs_gap", 0.99)
    inf = highspy.kHighsInf
    costs, uppers, rows = [], [], []

    def column(cost, upper=1.0):
        costs.append(float(cost))
        uppers.append(float(upper))
        return len(costs) - 1

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
        steps = [column(cents + order["split"]) for cents in place["curve"]]
        opened += steps
        mass, volume = [], []
        for i, units in held:
            demand = demands[i]
            if demand["divisible"]:
                ships = column(place["line"])
                taken = column(place["unit"], units)
                rows.append(([(taken, 1.0), (ships, -float(units))], -inf, 0.0))
                supply[i].append((taken, 1.0))
                each = 1
            else:
                ships = column(place["line"] + place["unit"] * demand["units"])
                taken, each = ships, demand["units"]
                supply[i].append((ships, float(demand["units"])))
            mass.append((taken, float(demand["grams"] * each)))
            volume.append((taken, float(demand["volume"] * each)))
            rows.append(([(ships, 1.0)] + [(s, -1.0) for s in steps], -inf, 0.0))
        room = [(s, -float(step * (b + 1))) for b, s in enumerate(steps)]
        rows.append((mass + room, -inf, 0.0))
        rows.append((volume + room, -inf, 0.0))
        rows.append(([(s, 1.0) for s in steps], -inf, 1.0))
    for i, demand in enumerate(demands):
        most = demand["units"] if demand["divisible"] else 1
        each = 1 if demand["divisible"] else demand["units"]
        short = column(demand["short"] * each, most)
        rows.append((supply[i] + [(short, float(each))], demand["units"], demand["units"]))
    rows.append(([(s, 1.0) for s in opened], -inf, float(order["most"])))

    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(costs), len(rows)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = costs, [0.0] * len(costs), uppers
    lp.row_lower_ = [float(row[1]) for row in rows]
    lp.row_upper_ = [float(row[2]) for row in rows]
    starts, index, value = [0], [], []
    for terms, _, _ in rows:
        index += [term[0] for term in terms]
        value += [term[1] for term in terms]
        starts.append(len(index))
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = starts, index, value
    lp.integrality_ = [highspy.HighsVarType.kInteger] * len(costs)
    # Every shipment pays the split penalty but the first.
    lp.offset_ = -float(order["split"])
    model.passModel(lp)
    start = time.perf_counter()
    model.run()
    seconds = time.perf_counter() - start
    info = model.getInfo()
    optimal = model.getModelStatus() == highspy.HighsModelStatus.kOptimal
    cents = info.objective_function_value
    # To ship nothing pays no split penalty that could be taken off.
    nothing = sum(d["short"] * d["units"] for d in demands)
    return seconds, optimal, min(round(cents), nothing) if cents < 1e15 else None


def main():
    path, limit = sys.argv[1], float(sys.argv[2])
    cells, differ, compared = {}, 0, 0
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            order = json.loads(line)
            seconds, optimal, cents = solve(order, limit)
            proven = order["bound"] == order["cents"]
            if optimal and proven:
                compared += 1
                if cents != order["cents"]:
                    differ += 1
                    print(f"DIFFERENT: {order['kind']} {order['lines']} x {order['locations']} "
                          f"number {order['number']}: {order['cents']}, HiGHS {cents}", flush=True)
            if optimal and (order["bound"] > cents or order["cents"] < cents):
                differ += 1
                print(f"WRONG BOUND OR PLAN: {order['kind']} {order['lines']} x {order['locations']} "
                      f"number {order['number']}: {order['bound']}..{order['cents']}, HiGHS {cents}", flush=True)
            cell = cells.setdefault((order["kind"], order["lines"], order["locations"]), [])
            cell.append((order["micros"], seconds, optimal, proven, order["cents"], cents))
    print("kind | lines x locations | router us | HiGHS ms | ratio | proven: router, HiGHS | excess over HiGHS %")
    for (kind, lines_, locations), rows in cells.items():
        ours = statistics.median(row[0] for row in rows)
        theirs = statistics.median(row[1] for row in rows)
        known = [row for row in rows if row[5] is not None]
        excess = (100.0 * (sum(r[4] for r in known) / max(1, sum(r[5] for r in known)) - 1)) if known else 0.0
        more = "" if all(row[2] for row in rows) else "> "
        print(f"{kind} | {lines_} x {locations} | {ours:.1f} | {more}{theirs * 1e3:.1f} | "
              f"{more}{theirs * 1e6 / ours:.0f} | {sum(r[3] for r in rows)}, {sum(r[2] for r in rows)} of {len(rows)} | {excess:.2f}")
    print(f"{compared} orders proven by both, {differ} differ")
    sys.exit(1 if differ else 0)


main()
