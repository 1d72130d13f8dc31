"""Solves exported backlogs with HiGHS and prints how far the plans are from the optimum.

Run by `tools/backlog/run`. One thread; whole cents, so that an absolute gap below one is a proof.
"""

import json
import sys
import time

import highspy


def solve(backlog, limit):
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("threads", 1)
    model.setOptionValue("time_limit", limit)
    model.setOptionValue("mip_rel_gap", 0.0)
    model.setOptionValue("mip_abs_gap", 0.99)
    inf = highspy.kHighsInf
    variables, rows = backlog["variables"], backlog["rows"]
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(variables), len(rows)
    lp.col_cost_ = [float(cents) for cents, _ in variables]
    lp.col_lower_ = [0.0] * len(variables)
    lp.col_upper_ = [float(most) for _, most in variables]
    lp.row_lower_ = [-inf if least is None else float(least) for _, least, _ in rows]
    lp.row_upper_ = [inf if most is None else float(most) for _, _, most in rows]
    starts, index, value = [0], [], []
    for terms, _, _ in rows:
        index += [term[0] for term in terms]
        value += [float(term[1]) for term in terms]
        starts.append(len(index))
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = starts, index, value
    lp.integrality_ = [highspy.HighsVarType.kInteger] * len(variables)
    model.passModel(lp)
    start = time.perf_counter()
    model.run()
    seconds = time.perf_counter() - start
    info = model.getInfo()
    proven = model.getModelStatus() == highspy.HighsModelStatus.kOptimal
    cents = info.objective_function_value
    return seconds, proven, round(cents) if abs(cents) < 1e15 else None, info.mip_dual_bound


def main():
    path, limit = sys.argv[1], float(sys.argv[2])
    worst, wrong = 0.0, 0
    print("orders | stock | seed | ours s | plan | bound | HiGHS s | HiGHS | proven | plan above it | bound below it")
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            b = json.loads(line)
            seconds, proven, cents, _ = solve(b, limit)
            head = f"{b['orders']} | {b['stock_percent']} % | {b['seed']} | {b['seconds']:.2f} | {b['cents']} | {b['bound_cents']}"
            if cents is None:
                print(f"{head} | {seconds:.1f} | none | no | - | -", flush=True)
                continue
            above = 100.0 * (b["cents"] - cents) / max(1, cents)
            below = 100.0 * (cents - b["bound_cents"]) / max(1, cents)
            print(f"{head} | {seconds:.1f} | {cents} | {'yes' if proven else 'no'} | {above:.3f} % | {below:.3f} %", flush=True)
            if proven:
                worst = max(worst, above)
                if b["bound_cents"] > cents or b["cents"] < cents:
                    wrong += 1
                    print("WRONG BOUND OR PLAN")
    print(f"wherever HiGHS proves the optimum the plan is at most {worst:.3f} % above it")
    sys.exit(1 if wrong else 0)


main()
