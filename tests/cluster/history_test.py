#!/usr/bin/env python3
"""The verdicts of history.py find what is wrong in histories made up for them.

    history_test.py --checker PATH
"""
import argparse
import pathlib
import sys
import unittest

import history
from history import Operation

CHECKER = pathlib.Path()


def op(kind: str, called: int, returned: int | None, **more) -> Operation:
    return Operation(**{"key": "k", "kind": kind, "server": "s1", "life": 1, "called": called, "returned": returned,
                        "result": 0 if kind.startswith("get") else 1} | more)


class Verdicts(unittest.TestCase):
    def judge(self, *operations: Operation) -> str:
        return history.linearizable(CHECKER, list(operations))

    def test_a_read_of_an_overwritten_value_is_found(self):
        writes = [op("put", 0, 10, value=1), op("put", 20, 30, value=2)]
        self.assertEqual(self.judge(*writes, op("get", 40, 50, result=2)), "")
        self.assertIn("not linearizable", self.judge(*writes, op("get", 40, 50, result=1)))
        self.assertIn("not linearizable", self.judge(*writes, op("get consistent", 40, 50, result=1)))
        self.assertEqual(self.judge(*writes, op("get stale", 40, 50, result=1)), "")

    def test_a_write_of_unknown_outcome_may_come_late_but_not_before_its_call(self):
        late = [op("put", 0, 10, value=1), op("put", 20, None, value=2), op("get", 30, 40, result=1)]
        self.assertEqual(self.judge(*late, op("get", 50, 60, result=2)), "")
        self.assertIn("not linearizable", self.judge(*late, op("get", 12, 15, result=2)))
        self.assertIn("not linearizable", self.judge(*late, op("get", 50, 60, result=2), op("get", 70, 80, result=1)))

    def test_one_index_is_spent_once(self):
        first, second = op("cas", 0, 10, value=1), op("cas", 20, 30, value=2)
        self.assertIn("not linearizable", self.judge(first, second))
        second.result = 0
        self.assertEqual(self.judge(first, second), "")

    def test_a_stale_read_is_of_what_was_written_and_never_goes_back(self):
        writes = [op("put", 0, 10, value=1), op("put", 20, 30, value=2), op("cas", 0, 10, value=3, result=0)]
        reads = [op("get stale", 40, 50, result=2, index=8), op("get stale", 60, 70, result=1, index=5)]
        self.assertIn("had shown index 8", "".join(history.stale_faults(writes + reads)))
        reads[1].life = 2
        self.assertEqual(history.stale_faults(writes + reads), [])
        self.assertEqual(len(history.stale_faults(writes + [op("get stale", 40, 50, result=3, index=9)])), 1)
        self.assertEqual(len(history.stale_faults(writes + [op("get stale", 40, 50, result=9, index=9)])), 1)
        self.assertEqual(len(history.stale_faults(writes + [op("get stale", 2, 15, result=2, index=9)])), 1)
        self.assertEqual(len(history.stale_faults(writes + reads + [op("get", 80, 90, result=2, index=7)])), 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--checker", required=True, type=pathlib.Path)
    options, rest = parser.parse_known_args()
    CHECKER = options.checker
    unittest.main(argv=[sys.argv[0], *rest])
