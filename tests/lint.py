#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""make lint as tests: lint.py RESULTS. One case a tool, in RESULTS/lint.xml; what it says is printed."""
import os
import shutil
import subprocess
import sys

import junit

TOOLS = ("clang-tidy", "cppcheck")


def run(tool):
    """What is wrong, or "". Make's own jobs are not shared: it was begun by no recipe."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")}
    r = subprocess.run(["make", "--no-print-directory", f"lint-{tool}"], env=environment, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if r.returncode:
        print(r.stdout)
    return f"make lint-{tool} failed: what it said stands in the log" if r.returncode else ""


missing = {tool for tool in TOOLS if not shutil.which(tool)}
cases = {tool: f"not in PATH: {tool} (scripts/setup test installs it)" if tool in missing else run(tool)
         for tool in TOOLS}
junit.write(sys.argv[1], "lint", cases, skipped=missing)
sys.exit(any(wrong for tool, wrong in cases.items() if tool not in missing))
