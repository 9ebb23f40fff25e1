# SPDX-License-Identifier: GPL-2.0
# Tests: unit and fuzz need no root, the lab and the benchmarks do. Results lie in
# build/results as JUnit XML; tests/tally adds them up.

RESULTS := $(B)/results
UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
FUZZ := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
PYTHON ?= /usr/bin/python3
FUZZ_SECONDS ?= 15
# The unit tests and the fuzzers are linked with a library of their own, sanitizers on; the unit tests
# do without what the fuzzers need in it.
CHECKED := -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-missing-field-initializers -g -O1 \
	-fsanitize=address,undefined -fno-sanitize-recover=all $(INCLUDES) -MMD -MP
CHECKED_OBJ := $(PURE_SRC:%.c=$(B)/checked/%.o)

$(B)/checked/%.o: %.c Makefile tests/tests.mk
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CHECKED) -fsanitize=fuzzer-no-link -c $< -o $@

$(B)/checked/libhalfopen.a: $(CHECKED_OBJ)

$(B)/unit/%: tests/unit/%.c $(B)/checked/libhalfopen.a
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CHECKED) $< $(filter %.o %.a,$^) -lcmocka -ljansson -lsodium -lzstd -lm -o $@

# As a third party would: with the public headers alone.
$(B)/unit/foreign_sink.o: tests/unit/foreign_sink.c tests/unit/foreign_sink.h \
		$(wildcard user/timeline/*.h user/value/*.h)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -Wall -Wextra -Werror -Iuser/timeline -Iuser/value -c $< -o $@

# Its allocations pass by the test, which lets one of them fail.
$(B)/unit/test_memory: private CHECKED += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup

$(B)/unit/test_timeline: $(B)/unit/foreign_sink.o
$(B)/unit/test_timeline: CHECKED += -iquoteuser/timeline

$(B)/fuzz/%: tests/fuzz/%.c $(B)/checked/libhalfopen.a
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CHECKED) -fsanitize=fuzzer $< $(filter %.a,$^) -ljansson -lsodium -lzstd -lm -o $@

-include $(CHECKED_OBJ:.o=.d) $(UNIT:=.d) $(FUZZ:=.d)

check: $(UNIT) $(FUZZ) $(B)/bench/fleets $(B)/bench/forecasts $(B)/bench/presence all ## tests that need no root
	@mkdir -p $(RESULTS)
	$(Q)$(MAKE) --no-print-directory ARCH=aarch64 objects
	$(Q)failed=0; run() { "$$@" || failed=1; }; \
	run tests/vm/relocations.py $(RESULTS); \
	run $(PYTHON) tests/includes.py $(RESULTS); \
	run $(PYTHON) tests/model/reference.py $(B)/halfopen $(RESULTS); \
	run $(PYTHON) tests/model/fleets.py $(B)/bench/fleets $(B)/halfopen --check $(RESULTS); \
	run $(PYTHON) tests/model/forecasts.py $(B)/bench/forecasts $(B)/halfopen --check $(RESULTS); \
	run $(PYTHON) tests/model/comparisons.py $(B)/bench/forecasts $(B)/halfopen --check $(RESULTS); \
	run $(PYTHON) tests/model/presence.py $(B)/bench/fleets $(B)/bench/presence --check $(RESULTS); \
	run $(PYTHON) tests/model/linkage.py $(B)/halfopen --check $(RESULTS); \
	run $(PYTHON) tests/recordings/replay.py $(B)/halfopen $(RESULTS); \
	run tests/check $(RESULTS) $(B) $(FUZZ_SECONDS); \
	exit $$failed

# MUTANTS lines of FILES (names, default all) of the core, SEED (default random), within MUTANT_SECONDS.
mutants: all $(B)/checked/libhalfopen.a ## change single lines of the core: which changes does no test see?
	$(Q)$(PYTHON) tests/mutants/mutants.py --cc "$(CC)" --clang "$(CLANG)" \
		--cflags "$(USER_CFLAGS)" --checked "$(filter-out -MMD -MP,$(CHECKED)) -Itests/unit" \
		--pure "$(PURE_SRC)" --own "$(OWN_OBJ)" --archive $(B)/checked/libhalfopen.a \
		--count $(or $(MUTANTS),150) --seconds $(or $(MUTANT_SECONDS),1200) --files "$(FILES)" \
		$(if $(SEED),--seed $(SEED)) $(MUTANT_OPTIONS)

# Hosts exist that run no BPF program while a certain task of theirs is current (docs/DESIGN.md,
# Loss): what falls into such a moment is lost to any monitor. A test that failed is run once
# more, or twice where it may fall into two such moments, and the summary names it (RERUN).
PYTEST := PYTHONPATH=$(abspath tests) $(PYTHON) -m pytest -q -p no:cacheprovider -p reruns --reruns 1
PYTEST_LAB := cd tests/lab && HALFOPEN=$(abspath $(B)/halfopen) $(PYTEST) --reruns 2 -rR
# Most tests wait most of the time: LAB_JOBS run at once, and beside them those that take minutes. What
# measures times runs beside few others (a file after another: they share what took long to play), what
# floods the host by itself. conftest.py tells the marks.
lab: all $(B)/bench/fleets ## tests on real sockets, in namespaces of their own (root)
	@mkdir -p $(RESULTS)
	$(Q)failed=0; results=$(abspath $(RESULTS)); \
	($(PYTEST_LAB) -n 2 -m long --junitxml=$$results/lab-long.xml >$$results/lab-long.log 2>&1) & \
	long=$$!; \
	($(PYTEST_LAB) -n $${LAB_JOBS:-10} -m "not (long or quiet or alone)" \
		--junitxml=$$results/lab.xml) || failed=1; \
	wait $$long || failed=1; cat $$results/lab-long.log; \
	($(PYTEST_LAB) -n 4 --dist loadfile -m quiet --junitxml=$$results/lab-quiet.xml) || failed=1; \
	($(PYTEST_LAB) -m alone --junitxml=$$results/lab-alone.xml) || failed=1; \
	exit $$failed

# Each test boots a kernel and takes some 40 s, most of it waiting: one for each processor. Under
# emulation on a busy host a young kernel may fail to boot, tcpdump may lose frames, and a fate may not
# come about in time (the machine says then what it saw): it gets a second chance, and is named.
test-kernels: static ## the same truth on every kernel, under QEMU (after scripts/setup test)
	@mkdir -p $(RESULTS)
	-$(Q)tests/vm/kernels.py fetch
	-$(Q)$(MAKE) --no-print-directory ARCH=aarch64 static
	$(Q)cd tests/vm && $(PYTEST) -n $${VM_JOBS:-$$(nproc)} --only-rerun \
		'Kernel panic|the witness lost|s in vain|recursion came in between' -rsR --junitxml=$(abspath $(RESULTS))/kernels.xml

# Beside the kernels under QEMU, which mostly wait.
linted: $(SKELETONS)
	@mkdir -p $(RESULTS)
	$(Q)nice $(PYTHON) tests/lint.py $(RESULTS)

fuzz: $(FUZZ) ## fuzz for FUZZ_SECONDS (default 15)
	@mkdir -p $(RESULTS)
	$(Q)tests/check --only-fuzz $(RESULTS) $(B) $(FUZZ_SECONDS)

test: ## all tests, and one line that counts them
	@rm -rf $(RESULTS)
	-$(Q)tests/vm/kernels.py fetch
	-$(Q)$(MAKE) --no-print-directory -k check lab
	-$(Q)$(MAKE) --no-print-directory -k test-kernels linted
	$(Q)tests/tally $(RESULTS)

# Into a new folder; what is committed is replaced when all tests have passed and all is there.
scenarios: all ## docs/SCENARIOS.md and the recordings, made by the lab (root)
	@rm -rf $(B)/scenarios && mkdir -p $(B)/scenarios/recordings
	$(Q)cd tests/lab && HALFOPEN=$(abspath $(B)/halfopen) \
		HALFOPEN_SCENARIOS=$(abspath $(B)/scenarios) $(PYTHON) -m pytest -q \
		-p no:cacheprovider -n $${LAB_JOBS:-4} test_endings.py test_episodes.py \
		test_signs_of_life.py test_carrier.py
	$(Q)$(PYTHON) tests/lab/scenarios.py $(B)/scenarios "$$(uname -r)" > $(B)/scenarios/SCENARIOS.md
	$(Q)$(PYTHON) tests/recordings/index.py --adopt $(B)/scenarios/recordings
	$(Q)mv $(B)/scenarios/SCENARIOS.md docs/SCENARIOS.md

# ---- benchmarks ----

$(B)/bench/%.bpf.o: tests/bench/%.bpf.c bpf/compat.bpf.h vmlinux/$(ARCH)/vmlinux.h
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(B)/bench/%.skel.h: $(B)/bench/%.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@ 2>$@.log || { cat $@.log; exit 1; }

$(B)/bench/probe_cost: $(B)/bench/empty.skel.h
$(B)/bench/count_sockets: $(B)/bench/count_sockets.skel.h
$(B)/bench/probe_cost $(B)/bench/count_sockets: $(B)/bench/%: tests/bench/%.c
	$(call say,CC,$@)
	$(Q)$(CC) $(USER_CFLAGS) -I$(B)/bench $< $(LIBS) -o $@

$(B)/bench/rr $(B)/bench/hold: $(B)/bench/%: tests/bench/%.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) $< -o $@

bench: all $(B)/bench/rr $(B)/bench/hold $(B)/bench/probe_cost $(B)/bench/count_sockets ## measure cost and capacity (root)
	$(Q)HALFOPEN=$(abspath $(B)/halfopen) BENCH=$(abspath $(B)/bench) $(PYTHON) \
		tests/bench/bench.py $(BENCHES)

$(B)/bench/fleets $(B)/bench/forecasts $(B)/bench/presence: $(B)/bench/%: tests/model/%.c \
		tests/model/print_gaps.h $(B)/libhalfopen.a
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) $< $(filter %.a,$^) $(LIBS) -lm -o $@

# DRAWS of each case from SEED on; some minutes for a thousand.
fleets: all $(B)/bench/fleets ## what advise estimates of simulated fleets whose timers are known
	$(Q)nice $(PYTHON) tests/model/fleets.py $(B)/bench/fleets $(B)/halfopen \
		--draws $(or $(DRAWS),100) --seed $(or $(SEED),1) $(CASES)

forecasts: all $(B)/bench/forecasts ## what advise predicts of simulated fleets, beside what then is
	$(Q)nice $(PYTHON) tests/model/forecasts.py $(B)/bench/forecasts $(B)/halfopen \
		--draws $(or $(DRAWS),50) --seed $(or $(SEED),1) $(CASES)

comparisons: all $(B)/bench/forecasts ## how often advise --compare says that something changed
	$(Q)nice $(PYTHON) tests/model/comparisons.py $(B)/bench/forecasts $(B)/halfopen \
		--draws $(or $(DRAWS),200) --seed $(or $(SEED),1)

presence: all $(B)/bench/fleets $(B)/bench/presence ## how likely a peer is there, beside what is true
	$(Q)nice $(PYTHON) tests/model/presence.py $(B)/bench/fleets $(B)/bench/presence \
		--draws $(or $(DRAWS),50) --seed $(or $(SEED),1) $(CASES)

# DRAWS pools of each kind from SEED on; half an hour for ten, most of it pools of 10,000.
linkage: all ## who came back as whom, in simulated pools of devices behind one address
	$(Q)nice $(PYTHON) tests/model/linkage.py $(B)/halfopen \
		--draws $(or $(DRAWS),10) --seed $(or $(SEED),1)

pools-recorded: all ## recordings of pools of devices, and what is said of them, made anew
	$(Q)$(PYTHON) tests/model/linkage.py $(B)/halfopen --seed 6 --record tests/recordings
