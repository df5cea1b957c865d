#!/usr/bin/env python3
"""A worker for the process runtime of `edge-ledger agent`.

Reads one task from stdin, works on it, and says how it goes: one JSON object a line on stdout.
Whatever it writes to stderr is kept, and shown to operators if it fails.

The task here is a grid over moving averages: every combination of the values that
`optimizationParams` lists, measured over `prices`.
"""

import itertools
import json
import os
import sys


def say(kind, **fields):
    print(json.dumps({"type": kind, **fields}), flush=True)


def moving_average_gain(prices, fast, slow):
    """Percent gained by holding while the fast average is above the slow one."""
    gain = 0.0
    for today in range(slow, len(prices) - 1):
        above = sum(prices[today - fast:today]) / fast > sum(prices[today - slow:today]) / slow
        if above:
            gain += (prices[today + 1] / prices[today] - 1.0) * 100.0
    return gain


def main():
    task = json.load(sys.stdin)
    params = task.get("optimizationParams", {})
    if set(params) != {"fast", "slow"}:
        # Not the edge's fault: no other attempt would end otherwise.
        say("fail", error="optimizationParams: expected `fast` and `slow`", retryable=False)
        return

    # The fence of the lease belongs to everything this work protects with it.
    print(f"lease {os.environ['EDGE_LEDGER_LEASE_TOKEN']}", file=sys.stderr)

    names = list(params)
    configurations = list(itertools.product(*params.values()))
    gains = {}
    for number, values in enumerate(configurations):
        config_id = f"{task['id']}_cfg_{number}"
        say("progress", processedConfigs=number, totalConfigs=len(configurations),
            currentConfig=config_id)
        config = dict(zip(names, values))
        gains[config_id] = moving_average_gain(task.get("prices", []), **config)
        say("result", configId=config_id, strategyConfig=config,
            metrics={"totalPnlPercent": gains[config_id]})

    best = sorted(gains, key=gains.get, reverse=True)[:3]
    say("complete", bestConfigIds=best, processedConfigs=len(configurations),
        totalConfigs=len(configurations))


if __name__ == "__main__":
    main()
