# SPDX-License-Identifier: GPL-2.0
"""A plugin of pytest's: a test that passed only when it was run again (--reruns) has a property `rerun` in
the JUnit XML, which says what became of it before; tests/tally names it."""
import pytest


def crash(report):
    """What a failure says, in one line."""
    where = getattr(report.longrepr, "reprcrash", None)
    text = where.message if where else str(report.longrepr)
    return next(iter(text.splitlines()), "")[:200]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        item.user_properties.append(("rerun", crash(report)))
