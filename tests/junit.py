# SPDX-License-Identifier: GPL-2.0
"""JUnit XML of one suite, which tests/tally adds up."""
import os
from xml.sax.saxutils import quoteattr


def write(results, suite, cases, skipped=()):
    """Writes RESULTS/SUITE.xml. `cases`: the name of each, and what is wrong with it ("" or None:
    nothing); those in `skipped` were skipped, and what is wrong says why."""
    with open(os.path.join(results, suite + ".xml"), "w") as f:
        f.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites><testsuite name="{suite}" '
                f'tests="{len(cases)}">\n')
        for name, wrong in cases.items():
            kind = "skipped" if name in skipped else "failure"
            inside = f"<{kind} message={quoteattr(wrong)}/>" if wrong else ""
            f.write(f'<testcase classname="{suite}" name={quoteattr(name)}>{inside}</testcase>\n')
        f.write("</testsuite></testsuites>\n")
