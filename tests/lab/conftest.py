# SPDX-License-Identifier: GPL-2.0
import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def pytest_configure(config):
    # Programs inherit what nohup(1), or a shell that puts us into the background, ignores.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "alone: runs with no other test beside it")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A scenario that the tests of a file share is played anew for one that runs again (--reruns): what
    fell into a moment without BPF (docs/DESIGN.md, Loss) is missing in it for good."""
    report = (yield).get_result()
    if call.when == "call" and report.failed:
        for fixtures in item._fixtureinfo.name2fixturedefs.values():
            for fixture in fixtures:
                if fixture.scope == "module":
                    fixture.finish(item._request)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """What the witnesses of a test saw, for docs/SCENARIOS.md (see scenarios.py)."""
    outcome = yield
    lab = item.funcargs.get("lab")
    if os.environ.get("HALFOPEN_SCENARIOS") and outcome.excinfo is None and \
            getattr(lab, "told", None):
        import scenarios
        scenarios.record(item, lab)
