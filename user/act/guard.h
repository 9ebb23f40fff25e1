/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guard takes a trial back when its time is over or when it is told to end, whatever happens to
 * the process that began it: a transient systemd service where systemd runs, else a process of its
 * own with a twin, each of which replaces the other. Before it answers, it has read the saved state
 * and entered the namespace once.
 */
#ifndef HALFOPEN_ACT_GUARD_H
#define HALFOPEN_ACT_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "act/applied.h"

/* A guard that has answered. */
struct guard {
	char unit[64];	/* of systemd; "" = our own processes, which may be killed together */
	char no_unit[128];	/* why there is none */
	pid_t pid, twin;	/* of the process of our own; 0: no twin could be started */
	char cgroup[256];	/* control group with which it ends; "" = with none */
	bool in_container;	/* ends with its process 1 */
};

/*
 * Starts a guard for the trial that is saved in `directory`, an absolute path, and waits for its
 * answer, half a minute at most. `home` is a descriptor of this process's own network namespace.
 * Returns 0 or -errno: then there is no guard.
 */
int guard__start(const char *directory, const struct applied *trial, int home, struct guard *guard);

struct guard_task {
	const char *directory;
	uint32_t netns;
	uint64_t id;	/* the trial's */
	int answer;	/* a pipe to the process that started us; -1: none */
};

/* Runs the guard: waits while the trial is on, and takes it back. Returns an exit code. */
int guard__run(const struct guard_task *task);

/* The answer through the pipe. */
struct guard_answer {
	int32_t err;	/* -errno */
	int32_t pid, twin;
	char cgroup[256];
	bool in_container;
};

/* Exit code of a guard that found no such trial, or cannot reach it: systemd does not restart
 * it. */
#define GUARD_USELESS 2

#endif
