# SPDX-License-Identifier: Apache-2.0
"""make bench: every row of the table in docs/performance.md, or those named."""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import rows_catalog
import rows_compat
import rows_flight
import rows_kafka
import rows_live
import rows_memory
import rows_package
import rows_record
import rows_relay
from measure import Bench, NotRun, table

ROWS = {
    "decode": [rows_memory.decode],
    "observatory": [rows_memory.observatory],
    "package": [rows_package.blocks],
    "package_import": [rows_package.imports],
    "package_live": [rows_package.live],
    "compat": [rows_package.compat],
    "drain": [rows_kafka.drain],
    "live": [rows_live.live, rows_live.live_observatory],
    "fast": [rows_live.fast],
    "start": [rows_live.start],
    "publish": [rows_memory.encode, rows_kafka.publish],
    "compat_publish": [rows_compat.encode],
    "relay": [rows_compat.relay],
    "relay_server": [rows_relay.relay_server, rows_relay.flight_alone],
    "compat_drain": [rows_compat.drain],
    "compat_live": [rows_compat.live],
    "arrow": [rows_kafka.arrow_narrow, rows_kafka.arrow_wide],
    "record": [rows_record.record],
    "record_live": [rows_record.record_live],
    "group": [rows_record.group],
    "doget": [rows_flight.doget],
    "compat_doget": [rows_flight.compat_doget],
    "catalog": [rows_flight.catalog, rows_catalog.catalog_topic],
    "server_info": [rows_flight.server_info],
    "export": [rows_memory.export],
    "site": [rows_memory.site_memory, rows_kafka.site_backlog, rows_live.site_live],
}


def machine():
    model = "?"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
    return f"{os.cpu_count()} x {model}, {platform.system()} {platform.release()}"


def main():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("--row", action="append", choices=list(ROWS), help="one row (all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON too")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (5)")
    parser.add_argument("--list", action="store_true", help="name the rows and end")
    options = parser.parse_args()
    if options.list:
        print("\n".join(ROWS))
        return 0
    lines, absent, bench, began = [], [], Bench(options.rounds), time.time()
    try:
        for name in options.row or ROWS:
            for row in ROWS[name]:
                print(f"{time.time() - began:5.0f} s  {name}", flush=True)
                try:
                    lines += row(bench)
                except NotRun as e:
                    absent.append(f"{name} ({row.__name__}): not run: {e}")
    finally:
        bench.close()
    print(f"\n{machine()}; {options.rounds} rounds; {time.time() - began:.0f} s; "
          f"load {os.getloadavg()[1]:.1f}\n")  # fmt: skip
    print(table(lines))
    for text in absent:
        print(text)
    if options.json:
        options.json.write_text(json.dumps(
            {"machine": machine(), "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
             "not_run": absent, "lines": [line.as_json() for line in lines]}, indent=1) + "\n")  # fmt: skip
    return 1 if absent else 0


if __name__ == "__main__":
    raise SystemExit(main())
