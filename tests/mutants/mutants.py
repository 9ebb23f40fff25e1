#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How well the tests that need no kernel guard the core: changes single lines at random, in a copy, and
names the changes that no test sees (survivors).

    mutants.py --pure SOURCES --own OBJECTS --cflags FLAGS --checked FLAGS --archive FILE [...]

`make mutants` gives these. A mutant is tried until a test fails: by the unit tests, the golden advice,
the recordings, the model, and by the unit tests once more with sanitizers; of each only what runs that
line. One that does not compile is none, and one whose object code is that of the original is
equivalent; both are left out of the counts. fleets.py is not asked (it takes too long): a survivor may
yet be seen by `make check`."""
import argparse
import collections
import concurrent.futures
import glob
import json
import os
import random
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import mutation

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBRARIES = ["-ljansson", "-lsodium", "-lzstd", "-lm"]
PROGRAM_LIBRARIES = ["-lbpf", "-lelf", "-lz"]
# A mutant may run for ever or eat all memory. CPU time is counted, so that a busy machine kills none:
# of a process, SPARE_SECONDS and as much again as the unchanged program took, times TIMES_SLOWER.
SPARE_SECONDS, TIMES_SLOWER = 20, 5
MEMORY = 4 << 30
CALIBRATION_SECONDS = 100
# With sanitizers a test takes ten times as long; those that only compute much are left out.
QUICK_SECONDS = 0.5
MODEL_HISTORIES = 1500
# A unit test holds a sink that somebody else compiled, with the public headers alone.
FOREIGN_SINK = "tests/unit/foreign_sink.c"
PUBLIC = ["-Iuser/timeline", "-Iuser/value", "-iquotetests/unit"]
PROGRAM = "#!/bin/sh\nLD_LIBRARY_PATH={} exec {}/halfopen \"$@\"\n"


def limit(seconds, memory):
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def measure(command, usual=0, memory=0, **more):
    """True if COMMAND, which usually takes so many seconds of CPU, succeeds; and how many it took."""
    seconds = SPARE_SECONDS + int(TIMES_SLOWER * usual)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL,
                               preexec_fn=lambda: limit(seconds, memory), **more)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode == 0, used.ru_utime + used.ru_stime


def passes(command, usual=0, memory=0, **more):
    return measure(command, usual, memory, **more)[0]


def run(command, **more):
    r = subprocess.run(command, capture_output=True, **more)
    if r.returncode:
        sys.exit(f"mutants: {' '.join(command)}: {r.stderr.decode(errors='replace')}")


def symbols(*arguments):
    """(name, its kind by nm(1)) of the global ones."""
    told = subprocess.run(["nm", "-g", "-P", *arguments], capture_output=True, text=True, check=True)
    return [line.split()[:2] for line in told.stdout.splitlines()]


class Bench:
    """A copy of the tree in DIRECTORY, its objects, and the tests linked with a shared library of what
    is pure, so that a mutant is one object compiled and one library linked."""

    def __init__(self, directory, arguments):
        self.top = directory
        self.tree = os.path.join(directory, "tree")
        for folder in ("user", "bpf", "tests", "docs"):
            shutil.copytree(os.path.join(ROOT, folder), os.path.join(self.tree, folder))
        self.pure, self.quick = arguments.pure.split(), arguments.quick
        self.cc = [arguments.cc, *shlex.split(arguments.cflags), "-g0", "-fPIC",
                   "-fno-semantic-interposition", "-Wno-error", "-w"]
        self.draft = [*self.cc, "-O0"]
        self.checked = [arguments.clang, *shlex.split(arguments.checked), "-w"]
        self.archive = shutil.copy(arguments.archive, directory)
        self.own = [shutil.copy(o, os.path.join(directory, f"own{n}.o"))
                    for n, o in enumerate(arguments.own.split())]
        self.unit = sorted(os.path.basename(p)[:-2]
                           for p in glob.glob(os.path.join(self.tree, "tests/unit/test_*.c"))
                           if os.path.basename(p) != "test_memory.c")   # linked by --wrap
        self.foreign = [os.path.join(directory, "foreign.o")]
        self.original = {}
        # Seconds of CPU that each takes unchanged, the quickest first.
        self.unit_seconds, self.checked_seconds = {}, {}
        self.covered = {}       # {stage or unit test: {source: the lines that it runs}}

    def leave_out_tests(self, sources):
        """That cannot reach any of SOURCES: a linker would take none of their objects for it."""
        defines, needs = {}, {}
        for source in self.pure:
            needs[source] = set()
            for name, kind in symbols(self.object_of(source)):
                if kind == "U":
                    needs[source].add(name)
                else:
                    defines[name] = source

        def reached(test):
            found = set()
            todo = {name for name, kind in symbols("-D", os.path.join(self.top, test)) if kind == "U"}
            while todo:
                source = defines.get(todo.pop())
                if source and source not in found:
                    found.add(source)
                    todo |= needs[source]
            return found
        self.unit = [test for test in self.unit if reached(test) & sources]

    def object_of(self, source):
        return os.path.join(self.top, source.replace("/", "_")[:-2] + ".o")

    def compile(self, command, text, to):
        return subprocess.run([*command, "-x", "c", "-c", "-", "-o", to], input=text, cwd=self.tree,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def read(self, source):
        with open(os.path.join(self.tree, source), "rb") as f:
            return f.read()

    def build(self, pool):
        def one(source):
            if not self.compile(self.cc, self.read(source), self.object_of(source)):
                sys.exit(f"mutants: {source} does not compile")
            with open(self.object_of(source), "rb") as f:
                self.original[source] = f.read()
        list(pool.map(one, self.pure))
        self.compile([*self.cc, *PUBLIC], self.read(FOREIGN_SINK), self.foreign[0])
        base = os.path.join(self.top, "base")
        os.mkdir(base)
        self.link(base, None, None)
        list(pool.map(lambda test: self.build_test(test, base), self.unit))
        run([*self.cc[:1], *self.own, "-L" + base, "-lhalfopen", *LIBRARIES, *PROGRAM_LIBRARIES,
             "-o", os.path.join(self.top, "halfopen")])
        return base

    def build_covered(self, pool):
        """The same once more, so that it tells which lines a test runs."""
        self.covering = os.path.join(self.top, "covering")
        os.mkdir(self.covering)
        objects = {s: os.path.join(self.covering, os.path.basename(self.object_of(s))) for s in self.pure}
        command = [*self.cc, "-O0", "--coverage", "-fprofile-update=atomic"]
        list(pool.map(lambda s: self.compile(command, self.read(s), objects[s]), self.pure))
        run([self.cc[0], "-shared", "--coverage", *objects.values(), *LIBRARIES, "-o",
             os.path.join(self.covering, "libhalfopen.so")])

    def note_coverage(self, name):
        """Of what ran since the last time."""
        lines = self.covered[name] = {}
        for source in self.pure:
            data = os.path.join(self.covering, os.path.basename(self.object_of(source))[:-2] + ".gcda")
            if not os.path.exists(data):
                continue
            told = subprocess.run(["gcov", "-t", "--json-format", data], capture_output=True,
                                  cwd=self.covering, check=True).stdout
            lines[source] = {line["line_number"]: line["count"] > 0
                             for file in json.loads(told)["files"] if file["file"] == "<stdin>"
                             for line in file["lines"]}
            os.unlink(data)

    def runs(self, name, source, number):
        """Does the stage or test run this line? What goes on over several counts as its first; a table
        that stands before any function is run by whoever runs the file."""
        lines = self.covered[name].get(source, {})
        first = next((n for n in range(number, number - 15, -1) if n in lines), None)
        return any(lines.values()) if first is None else lines[first]

    def check_test(self, test, base):
        """It passes on what was not changed; how long does it take? With sanitizers, if it is quick."""
        green, self.unit_seconds[test] = self.measure_unit(test, base, CALIBRATION_SECONDS)
        if green and not self.quick and self.unit_seconds[test] < QUICK_SECONDS:
            checked = os.path.join(self.top, test + ".checked")
            # Only compiled once: the mutant's object is linked with it and the archive later.
            run([*self.checked, *PUBLIC, "-c", f"tests/unit/{test}.c", "-o", checked + ".o"],
                cwd=self.tree)
            self.link_checked(test, [], checked)
            green, self.checked_seconds[test] = measure([checked], CALIBRATION_SECONDS, cwd=self.tree)
        if not green:
            sys.exit(f"mutants: {test}: fails without any change")

    def check_tests(self, base, pool):
        list(pool.map(lambda test: self.check_test(test, base), self.unit))
        self.unit.sort(key=lambda test: self.unit_seconds[test])
        for test in self.unit:
            self.measure_unit(test, self.covering, CALIBRATION_SECONDS)
            self.note_coverage(test)

    def measure_unit(self, test, directory, usual):
        return measure([os.path.join(self.top, test)], usual, MEMORY, cwd=self.tree,
                       env={**os.environ, "LD_LIBRARY_PATH": directory})

    def link_checked(self, test, objects, to):
        run([self.checked[0], "-fsanitize=address,undefined",
             os.path.join(self.top, test + ".checked.o"), *self.foreign, *objects, self.archive,
             "-lcmocka", *LIBRARIES, "-o", to])

    def build_test(self, test, base):
        run([*self.draft, *PUBLIC, f"tests/unit/{test}.c", *self.foreign, "-L" + base, "-lhalfopen",
             "-lcmocka", *LIBRARIES, "-o", os.path.join(self.top, test)], cwd=self.tree)

    def link(self, directory, source, mutant):
        objects = [mutant if s == source else self.object_of(s) for s in self.pure]
        run([self.cc[0], "-shared", *objects, *LIBRARIES, "-o",
             os.path.join(directory, "libhalfopen.so")])


class Trial:
    """One mutant after the other, in a directory of its own."""

    def __init__(self, bench, model, quick):
        self.bench, self.model, self.quick = bench, model, quick
        self.directory = tempfile.mkdtemp(dir=bench.top)
        self.object = os.path.join(self.directory, "mutant.o")
        self.program = os.path.join(self.directory, "halfopen")
        # What a test starts is named by a script, so that no test need know of the library.
        with open(self.program, "w") as f:
            f.write(PROGRAM.format(self.directory, bench.top))
        os.chmod(self.program, 0o755)

    def unit(self, source, text, number):
        return all(self.bench.measure_unit(test, self.directory, self.bench.unit_seconds[test])[0]
                   for test in self.bench.unit if self.bench.runs(test, source, number))

    def advice(self):
        return passes([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
                       "test_advice_text.py", "test_proposals.py"],
                      cwd=os.path.join(self.bench.tree, "tests/lab"),
                      env={**os.environ, "HALFOPEN": self.program})

    def recordings(self):
        return passes([sys.executable, "tests/recordings/replay.py", self.program, self.directory],
                      cwd=self.bench.tree)

    def histories(self):
        return passes([sys.executable, "tests/model/reference.py", self.program, self.directory,
                       str(MODEL_HISTORIES), self.model], cwd=self.bench.tree)

    def sanitized(self, source, text, number):
        if not self.bench.compile([*self.bench.checked, "-fsanitize=fuzzer-no-link"], text, self.object):
            return True
        program = os.path.join(self.directory, "checked")
        for test, usual in self.bench.checked_seconds.items():
            if not self.bench.runs(test, source, number):
                continue
            self.bench.link_checked(test, [self.object], program)
            if not passes([program], usual, cwd=self.bench.tree):
                return False
        return True

    def is_equivalent(self, source, text):
        """Asked of few, as an optimised object takes long to make."""
        optimised = os.path.join(self.directory, "optimised.o")
        self.bench.compile(self.bench.cc, text, optimised)
        with open(optimised, "rb") as f:
            return f.read() == self.bench.original[source]

    def whole(self):
        """The stages that try the whole program."""
        return {"advice": self.advice, "recordings": self.recordings, "model": self.histories}

    def check(self, base):
        """They pass on what was not changed, and which lines do they run?"""
        for directory in (base, self.bench.covering):
            with open(self.program, "w") as f:
                f.write(PROGRAM.format(directory, self.bench.top))
            for name, green in self.whole().items():
                if not green():
                    sys.exit(f"mutants: {name}: fails without any change")
                if directory == self.bench.covering:
                    self.bench.note_coverage(name)

    def of(self, source, text, number):
        """Who kills it: the name of a stage, or "survives", "equivalent", "no C"."""
        if not self.bench.compile(self.bench.draft, text, self.object):
            return "no C"
        self.bench.link(self.directory, source, self.object)
        if not self.unit(source, text, number):
            return "unit"
        if self.is_equivalent(source, text):
            return "equivalent"
        if self.quick:
            return "survives"
        for name, green in self.whole().items():
            if self.bench.runs(name, source, number) and not green():
                return name
        return "survives" if self.sanitized(source, text, number) else "sanitizers"


def candidates(bench, folders, files):
    """(source, the mutations of one of its lines) of every line that can be mutated."""
    chosen = [s for s in bench.pure if s.startswith(tuple(f.rstrip("/") + "/" for f in folders))
              and (not files or os.path.basename(s)[:-2] in files)]
    return [(source, line) for source in chosen
            for line in mutation.mutations_of(bench.read(source).decode())]


def mutate(text, number, line, becomes):
    lines = text.split("\n")
    assert lines[number - 1] == line
    lines[number - 1] = becomes
    return "\n".join(lines)


# Told to end, it tells what it has: its copy of the tree goes with it.
stopping = threading.Event()


def try_all(bench, pool, arguments, sample, model):
    """(source, mutation, who killed it), as they come, until the time is over."""
    own, results, until = threading.local(), [], time.monotonic() + arguments.seconds

    def one(chosen):
        source, (number, line, becomes) = chosen
        if time.monotonic() > until or stopping.is_set():
            return None
        if not hasattr(own, "trial"):
            own.trial = Trial(bench, model, arguments.quick)
        text = mutate(bench.read(source).decode(), number, line, becomes).encode()
        killer = own.trial.of(source, text, number)
        if killer == "survives" or arguments.verbose:
            print(f"{killer}: {source}:{number}: {line.strip()}\n      -> {becomes.strip()}", flush=True)
        return source, killer

    for done in pool.map(one, sample):
        if done:
            results.append(done)
    return results


def report(results, sample, seed):
    by_file = collections.defaultdict(collections.Counter)
    for source, killer in results:
        by_file[source][killer] += 1
    print(f"\n{'killed':>7} {'of':>4}  file")
    for source, count in sorted(by_file.items()):
        tried = sum(count.values()) - count["equivalent"] - count["no C"]
        if tried:
            print(f"{tried - count['survives']:>7} {tried:>4}  {source}")
    count = sum(by_file.values(), collections.Counter())
    tried = sum(count.values()) - count["equivalent"] - count["no C"]
    killed = tried - count["survives"]
    if len(results) < len(sample):
        print(f"mutants: ended after {len(results)} of {len(sample)}")
    print(f"mutants: seed {seed}: {killed} of {tried} killed ({100 * killed // max(tried, 1)} %; " +
          ", ".join(f"{stage} {count[stage]}" for stage in
                    ("unit", "advice", "recordings", "model", "sanitizers")) +
          f"); {count['equivalent']} equivalent, {count['no C']} did not compile")
    return killed, tried


def parse():
    parser = argparse.ArgumentParser()
    for name in ("--pure", "--own", "--cflags", "--checked", "--archive", "--cc", "--clang"):
        parser.add_argument(name, required=True)
    parser.add_argument("--folders", nargs="+", default=["user/core", "user/stream", "user/tcp", "user/timeline", "user/tuning"])
    parser.add_argument("--files", default="", help="names without .c; default: all of the folders")
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seconds", type=float, default=1200)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--least", type=float, default=0, help="exit 1 below so many per cent")
    parser.add_argument("--quick", action="store_true", help="by the unit tests alone, no sanitizers")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


def main():
    arguments = parse()
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(10**6)
    print(f"mutants: seed {arguments.seed}", flush=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))    # the copy is removed
    model = str(arguments.seed % 1000 * 3)      # a seed that asks for the newest format alone
    with tempfile.TemporaryDirectory(prefix="halfopen-mutants.") as directory, \
            concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        bench = Bench(directory, arguments)
        lines = candidates(bench, arguments.folders, arguments.files.split())
        base = bench.build(pool)
        bench.leave_out_tests({source for source, _ in lines})
        bench.build_covered(pool)
        bench.check_tests(base, pool)
        if not arguments.quick:
            Trial(bench, model, False).check(base)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        rng = random.Random(arguments.seed)
        chosen = rng.sample(lines, min(arguments.count, len(lines)))
        sample = [(source, rng.choice(line)) for source, line in chosen]
        killed, tried = report(try_all(bench, pool, arguments, sample, model), sample, arguments.seed)
        return 0 if killed >= tried * arguments.least / 100 else 1


if __name__ == "__main__":
    sys.exit(main())
