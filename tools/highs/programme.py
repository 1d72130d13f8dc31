"""An integer programme in whole cents, and HiGHS to solve it: one thread, and proven to the cent."""

import multiprocessing
import time

import highspy

INFINITE = highspy.kHighsInf


class Programme:
    """Whole variables from 0 to some most, rows of terms (variable, factor), the least cost."""

    def __init__(self):
        self._costs, self._most = [], []
        self._starts, self._index, self._value = [0], [], []
        self._least, self._at_most = [], []

    def variable(self, cents, most=1.0):
        """The number of a new variable, which costs so much each."""
        self._costs.append(float(cents))
        self._most.append(float(most))
        return len(self._costs) - 1

    def row(self, terms, least, most):
        """A new row: the sum of its terms is from `least` to `most`; None is no limit."""
        for variable, factor in terms:
            self._index.append(variable)
            self._value.append(float(factor))
        self._starts.append(len(self._index))
        self._least.append(-INFINITE if least is None else float(least))
        self._at_most.append(INFINITE if most is None else float(most))

    @property
    def size(self):
        """Variables and rows."""
        return len(self._costs), len(self._least)

    def solve(self, limit, offset=0):
        """Seconds of the processor (one thread: those of the clock where nothing else runs), whether the
        optimum is proven, and the cents of the best answer plus `offset`; None where there is none after
        `limit` seconds of the clock."""
        model = highspy.Highs()
        model.setOptionValue("output_flag", False)
        model.setOptionValue("threads", 1)
        model.setOptionValue("time_limit", float(limit))
        # Whole cents: an absolute gap below one is a proof.
        model.setOptionValue("mip_rel_gap", 0.0)
        model.setOptionValue("mip_abs_gap", 0.99)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self.size
        lp.col_cost_, lp.col_upper_ = self._costs, self._most
        lp.col_lower_ = [0.0] * len(self._costs)
        lp.row_lower_, lp.row_upper_ = self._least, self._at_most
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = self._starts, self._index, self._value
        lp.integrality_ = [highspy.HighsVarType.kInteger] * len(self._costs)
        lp.offset_ = float(offset)
        model.passModel(lp)
        start = time.process_time()
        model.run()
        seconds = time.process_time() - start
        proven = model.getModelStatus() == highspy.HighsModelStatus.kOptimal
        cents = model.getInfo().objective_function_value
        return seconds, proven, round(cents) if abs(cents) < 1e15 else None


def solve_within(limit, grace, make, offset=0):
    """What the programme that `make` returns is solved to, in a process of its own, which is ended when
    it makes and solves it for `grace` seconds longer than `limit`: HiGHS looks at the clock between steps only."""
    # What is to be done is not sent to the child, so it must be a fork.
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe(duplex=False)
    child = fork.Process(target=lambda: theirs.send(make().solve(limit, offset)))
    child.start()
    # Ours is all that is left of its end when the child dies.
    theirs.close()
    try:
        return ours.recv() if ours.poll(limit + grace) else (limit, False, None)
    except EOFError:
        return limit, False, None
    finally:
        child.kill()
        child.join()
