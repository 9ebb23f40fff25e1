/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who takes a trial back when its time is over, or when it is told to end, whatever happens to
 * whoever began it: a transient service of systemd's where that runs, else a process of its own with
 * a twin, of which each replaces the other. It has read what is saved, and entered the namespace
 * once, before it answers.
 */
#ifndef HALFOPEN_ACT_GUARD_H
#define HALFOPEN_ACT_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "act/applied.h"

/* A guard that has answered. */
struct guard {
	char unit[64];	/* systemd's; "" = processes of our own, which may be killed together */
	char no_unit[128];	/* why not */
	pid_t pid, twin;	/* of the process of our own; 0: no twin could be started */
	char cgroup[256];	/* ends with this control group; "" = with none */
	bool in_container;	/* ends with its process 1 */
};

/*
 * Starts one for the trial that is saved in `directory`, an absolute path, and waits for its answer,
 * half a minute at most. `home` is a descriptor of the network namespace that this process is of.
 * Returns 0 or -errno: then there is none.
 */
int guard__start(const char *directory, const struct applied *trial, int home, struct guard *guard);

struct guard_task {
	const char *directory;
	uint32_t netns;
	uint64_t id;	/* the trial's */
	int answer;	/* a pipe to whoever started us; -1: none */
};

/* What it does: waits as long as the trial is on, and takes it back. An exit code. */
int guard__run(const struct guard_task *task);

/* What it says through the pipe. */
struct guard_answer {
	int32_t err;	/* -errno */
	int32_t pid, twin;
	char cgroup[256];
	bool in_container;
};

/* The exit code of one that found no such trial, or cannot reach it: it is not begun anew. */
#define GUARD_USELESS 2

#endif
