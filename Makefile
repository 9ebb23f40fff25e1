# SPDX-License-Identifier: GPL-2.0
# Everything that is made lies in build/. `make help` lists what can be made.

HOST    := $(shell uname -m)
ARCH    ?= $(HOST)
BPFARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(ARCH)))
B       := build$(if $(SANITIZE),-sanitize)$(if $(filter-out $(HOST),$(ARCH)),/$(ARCH))

CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)

CFLAGS  ?= -O2 -g
ifdef SANITIZE
CFLAGS  += -O1 -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
# Includes name the folder: "connection/silence.h".
INCLUDES := -Ibpf -iquoteuser $(addprefix -iquoteuser/,core sink source)
USER_CFLAGS := -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror $(CFLAGS) $(INCLUDES) -iquote$(B)/skel
BPF_CFLAGS  := -g -O2 -Wall -Wextra -Wno-unused-parameter -Werror -target bpf \
	-D__TARGET_ARCH_$(BPFARCH) -Ivmlinux/$(ARCH) -Ibpf
LIBS := -ljansson -lsodium -lbpf -lelf -lz -lzstd -lncursesw -ltinfo
# Another architecture: make ARCH=aarch64 static, with Debian's cross compiler and a SYSROOT that
# holds what we link with, static (tests/vm/kernels.py fetches one).
ifneq ($(ARCH),$(HOST))
CC      := $(ARCH)-linux-gnu-gcc
SYSROOT ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/halfopen/vm/sysroots/$(BPFARCH)
USER_CFLAGS += -isystem $(SYSROOT)/usr/include
LDFLAGS += -L$(SYSROOT)/usr/lib/$(ARCH)-linux-gnu
endif
PREFIX ?= /usr/local

# What runs without a kernel to watch (the core, the sinks, reading recordings) is the library that
# the program, the unit tests and the fuzzers are linked with. It is not installed.
PURE_SRC := $(sort $(shell find user/core user/file user/sink user/stream user/tcp user/timeline \
		user/tuning user/value -name '*.c') \
	$(addprefix user/source/,timelines.c kernel/deferred.c kernel/cookie_set.c) user/pipeline/fanout.c \
	user/act/sysctl_files.c user/doctor/report.c user/doctor/findings.c user/sys/log.c \
	$(addprefix user/sys/,reason.c progress.c terminal.c clock.c))
USER_SRC := $(sort $(shell find user -name '*.c'))
PURE_OBJ := $(PURE_SRC:%.c=$(B)/%.o)
OWN_OBJ  := $(patsubst %.c,$(B)/%.o,$(filter-out $(PURE_SRC),$(USER_SRC)))
SKELETONS := $(patsubst bpf/%.bpf.c,$(B)/skel/%.skel.h,$(wildcard bpf/*.bpf.c))

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n' $(1) $(2)
endif

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help run demo test check lab test-kernels mutants scenarios bench fleets forecasts comparisons presence linkage pools-recorded fuzz objects static install lint lint-clang-tidy lint-cppcheck linted clean

all: $(B)/halfopen ## build the program

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: all ## watch this host (as root)
	$(B)/halfopen watch

demo: all ## five devices behind a carrier's NAT, half a minute (root; after scripts/setup test)
	$(Q)HALFOPEN=$(abspath $(B)/halfopen) scripts/demo

include tests/tests.mk

# ---- kernel side ----

objects: $(patsubst bpf/%.bpf.c,$(B)/%.bpf.o,$(wildcard bpf/*.bpf.c)) ## build what the kernel loads

$(B)/%.bpf.o: bpf/%.bpf.c Makefile
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(B)/skel/%.skel.h: $(B)/%.bpf.o
	$(call say,SKEL,$@)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@ 2>$@.log || { cat $@.log; exit 1; }

# ---- user side ----

$(OWN_OBJ): | $(SKELETONS)

$(B)/user/%.o: user/%.c Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -MMD -MP -c $< -o $@

# Anew each time, so that nothing stays of a file that is gone; q: two folders may have a name in common.
%/libhalfopen.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) qcs $@ $^

$(B)/libhalfopen.a: $(PURE_OBJ)

$(B)/halfopen: $(OWN_OBJ) $(B)/libhalfopen.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $^ $(LDFLAGS) $(LIBS) -lm -o $@

# Needs nothing but glibc on the gateway.
$(B)/halfopen-static: $(OWN_OBJ) $(B)/libhalfopen.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $^ $(LDFLAGS) -Wl,-Bstatic $(LIBS) -Wl,-Bdynamic -lm -o $@

static: $(B)/halfopen-static ## build one that needs nothing but glibc

install: all ## install into $(DESTDIR)$(PREFIX)
	install -D -m 0755 $(B)/halfopen $(DESTDIR)$(PREFIX)/sbin/halfopen

lint: lint-clang-tidy lint-cppcheck ## look for faults with clang-tidy and cppcheck

lint-clang-tidy: $(SKELETONS)
	$(Q)printf '%s\n' $(USER_SRC) | xargs -P $$(nproc) -n 8 sh -c \
		'clang-tidy --quiet "$$@" -- $(filter -std=% -D% -I% -iquote%,$(USER_CFLAGS))' lint

lint-cppcheck:
	$(Q)cppcheck --quiet -j $$(nproc) --error-exitcode=1 --enable=warning,portability --max-configs=1 \
		--suppress=unknownMacro --suppress=selfAssignment --suppress=invalidFunctionArg \
		--suppress=arrayIndexOutOfBoundsCond --suppress=autoVariables \
		$(patsubst -iquote%,-I%,$(filter -D% -Ibpf -iquoteuser%,$(USER_CFLAGS))) $(USER_SRC)

clean: ## remove what was made
	rm -rf build build-sanitize

-include $(PURE_OBJ:.o=.d) $(OWN_OBJ:.o=.d) $(patsubst bpf/%.c,$(B)/%.d,$(wildcard bpf/*.bpf.c))
