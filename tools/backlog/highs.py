"""Solves exported backlogs with HiGHS and prints how far the plans are from the optimum.

Run by `tools/backlog/run`.
"""

import json
import sys

from programme import Programme


def solve(backlog, limit):
    programme = Programme()
    for cents, most in backlog["variables"]:
        programme.variable(cents, most)
    for terms, least, most in backlog["rows"]:
        programme.row(terms, least, most)
    return programme.solve(limit)


def summary(groups):
    """One row for each size and scarcity: how many HiGHS proved, and the plans and bounds beside these."""
    print()
    print("| orders | stock | proven | plan above the optimum, mean and largest | bound below it | proven by us | s | HiGHS s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for (orders, stock), runs in groups.items():
        proven = [run for run in runs if run["proven"]]
        if not proven:
            print(f"| {orders} | {stock} % | 0 of {len(runs)} | | | | | |")
            continue
        pair = lambda key: f"{sum(r[key] for r in proven) / len(proven):.3f} %, {max(r[key] for r in proven):.3f} %"
        mean = lambda key: f"{sum(r[key] for r in runs) / len(runs):.1f}"
        exact = sum(run["below"] < 0.0005 and run["above"] == 0 for run in proven)
        print(f"| {orders} | {stock} % | {len(proven)} of {len(runs)} | {pair('above')} | {pair('below')} | {exact} | {mean('ours')} | {mean('highs')} |")


def main():
    path, limit = sys.argv[1], float(sys.argv[2])
    worst, wrong = 0.0, 0
    groups = {}
    print("orders | stock | seed | ours s | plan | bound | HiGHS s | HiGHS | proven | plan above it | bound below it")
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            b = json.loads(line)
            seconds, proven, cents = solve(b, limit)
            head = f"{b['orders']} | {b['stock_percent']} % | {b['seed']} | {b['seconds']:.2f} | {b['cents']} | {b['bound_cents']}"
            if cents is None:
                print(f"{head} | {seconds:.1f} | none | no | - | -", flush=True)
                continue
            above = 100.0 * (b["cents"] - cents) / max(1, cents)
            below = 100.0 * (cents - b["bound_cents"]) / max(1, cents)
            print(f"{head} | {seconds:.1f} | {cents} | {'yes' if proven else 'no'} | {above:.3f} % | {below:.3f} %", flush=True)
            run = {"proven": proven, "above": above, "below": below, "ours": b["seconds"], "highs": seconds}
            groups.setdefault((b["orders"], b["stock_percent"]), []).append(run)
            if proven:
                worst = max(worst, above)
                if b["bound_cents"] > cents or b["cents"] < cents:
                    wrong += 1
                    print("WRONG BOUND OR PLAN")
    summary(groups)
    print(f"wherever HiGHS proves the optimum the plan is at most {worst:.3f} % above it")
    sys.exit(1 if wrong else 0)


main()
