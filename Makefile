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
USER_CFLAGS := -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror $(CFLAGS) \
	-Ibpf -I$(B)/skel $(addprefix -Iuser/,cmd core pipeline sink source sys value)
BPF_CFLAGS  := -g -O2 -Wall -Wextra -Wno-unused-parameter -Werror -target bpf \
	-D__TARGET_ARCH_$(BPFARCH) -Ivmlinux/$(ARCH) -Ibpf
LIBS := -ljansson -lsodium -lbpf -lelf -lz -lzstd
# Another architecture: make ARCH=aarch64 static, with Debian's cross compiler and a SYSROOT that
# holds what we link with, static (tests/vm/kernels.py fetches one).
ifneq ($(ARCH),$(HOST))
CC      := $(ARCH)-linux-gnu-gcc
SYSROOT ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/halfopen/vm/sysroots/$(BPFARCH)
USER_CFLAGS += -isystem $(SYSROOT)/usr/include
LDFLAGS += -L$(SYSROOT)/usr/lib/$(ARCH)-linux-gnu
endif
PREFIX ?= /usr/local

CORE_SRC := $(wildcard user/core/*.c)
# What runs without a kernel to watch: the core, the sinks, reading recordings.
PURE_SRC := $(CORE_SRC) $(wildcard user/value/*.c user/sink/*.c) user/source/recording.c user/source/input.c user/source/foreign.c \
	user/source/reorder.c user/source/holders.c user/source/deferred.c user/source/timelines.c user/sys/log.c user/sys/private_file.c \
	user/sys/quantity.c user/sys/sysctl_files.c
USER_SRC := $(sort $(PURE_SRC) $(wildcard user/*.c user/cmd/*.c user/pipeline/*.c user/source/*.c user/sys/*.c))
USER_OBJ := $(USER_SRC:user/%.c=$(B)/user/%.o)
PURE_OBJ := $(PURE_SRC:user/%.c=$(B)/user/%.o)
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
.PHONY: all help run demo test check lab test-kernels scenarios bench fleets forecasts comparisons fuzz objects static install lint clean

all: $(B)/halfopen ## build the program

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: all ## watch this host (as root)
	$(B)/halfopen watch

demo: all ## three devices, two fates, half a minute (root; after scripts/setup test)
	$(Q)HALFOPEN=$(abspath $(B)/halfopen) scripts/demo

include tests/tests.mk

# ---- kernel side ----

objects: $(patsubst bpf/%.bpf.c,$(B)/%.bpf.o,$(wildcard bpf/*.bpf.c)) ## build what the kernel loads

$(B)/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) vmlinux/$(ARCH)/vmlinux.h Makefile
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(B)/skel/%.skel.h: $(B)/%.bpf.o
	$(call say,SKEL,$@)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@ 2>$@.log || { cat $@.log; exit 1; }

# ---- user side ----

$(B)/user/%.o: user/%.c Makefile | $(SKELETONS)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -MMD -MP -c $< -o $@

$(B)/halfopen: $(USER_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $^ $(LDFLAGS) $(LIBS) -lm -o $@

# Needs nothing but glibc on the gateway.
$(B)/halfopen-static: $(USER_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $^ $(LDFLAGS) -Wl,-Bstatic $(LIBS) -Wl,-Bdynamic -lm -o $@

static: $(B)/halfopen-static ## build one that needs nothing but glibc

install: all ## install into $(DESTDIR)$(PREFIX)
	install -D -m 0755 $(B)/halfopen $(DESTDIR)$(PREFIX)/sbin/halfopen

lint: $(SKELETONS) ## look for faults with clang-tidy and cppcheck (Debian packages of these names)
	$(Q)printf '%s\n' $(USER_SRC) | xargs -P $$(nproc) -n 8 sh -c \
		'clang-tidy --quiet "$$@" -- $(filter -std=% -D% -I%,$(USER_CFLAGS))' lint
	$(Q)cppcheck --quiet -j $$(nproc) --error-exitcode=1 --enable=warning,portability --max-configs=1 \
		--suppress=unknownMacro --suppress=selfAssignment --suppress=invalidFunctionArg \
		--suppress=arrayIndexOutOfBoundsCond \
		$(filter -D% -Ibpf -Iuser%,$(USER_CFLAGS)) $(USER_SRC)

clean: ## remove what was made
	rm -rf build build-sanitize

-include $(USER_OBJ:.o=.d)
