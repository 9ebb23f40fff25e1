# SPDX-License-Identifier: GPL-2.0
import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host     # noqa: E402

MARKERS = ("quiet: beside few others, as it measures times",
           "alone: with no other test beside it, as it floods this host, or measures what others would cost",
           "long: waits for minutes, beside all others")


def pytest_configure(config):
    # Programs inherit what nohup(1), or a shell that puts us into the background, ignores.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end_at_sigterm()
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if hasattr(config, "workerinput"):
        config.lab_lacks = config.workerinput["lab_lacks"]
        return
    config.lab_lacks = host.lacks()
    for name in host.sweep() if not config.lab_lacks else ():
        print(f"left by a lab that was killed, and removed: {name}", file=sys.stderr)


def end_at_sigterm():
    """As at SIGINT: with all that is to be cleaned up. Children that were forked just end."""
    own = os.getpid()

    def end(number, frame):
        if os.getpid() != own:
            os._exit(128 + number)
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, end)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["lab_lacks"] = node.config.lab_lacks


def pytest_sessionfinish(session):
    host.sweep(of=lambda pid: pid == os.getpid())


def pytest_collection_modifyitems(config, items):
    if config.lab_lacks:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=f"the lab cannot work here: {config.lab_lacks}"))


def pytest_terminal_summary(terminalreporter, config):
    if config.lab_lacks:
        terminalreporter.write_line(f"the lab cannot work here: {config.lab_lacks}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A scenario that the tests of a file share is played anew for one that runs again (--reruns): what
    fell into a moment without BPF (docs/DESIGN.md, Loss) is missing in it for good."""
    report = (yield).get_result()
    if call.when == "call" and report.failed:
        for fixtures in item._fixtureinfo.name2fixturedefs.values():
            for fixture in fixtures:
                if fixture.scope == "module":
                    finish(fixture, item, report)


def finish(fixture, item, report):
    """An exception of a hook's would end the whole run: what went wrong at its end is added to the report."""
    try:
        fixture.finish(item._request)
    except Exception as e:
        report.sections.append((f"{fixture.argname} ended with", repr(e)))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """What the witnesses of a test saw, for docs/SCENARIOS.md (see scenarios.py)."""
    outcome = yield
    lab = item.funcargs.get("lab")
    if os.environ.get("HALFOPEN_SCENARIOS") and outcome.excinfo is None and \
            getattr(lab, "told", None):
        import scenarios
        scenarios.record(item, lab)
