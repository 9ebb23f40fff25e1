/* SPDX-License-Identifier: GPL-2.0 */
/* Diagnosis: what this kernel and host support, and what stays unknown without it. */
#ifndef HALFOPEN_DOCTOR_DIAGNOSIS_H
#define HALFOPEN_DOCTOR_DIAGNOSIS_H

#include "doctor/findings.h"
#include "kernel/support.h"
#include "sys/host.h"
#include "sys/netns.h"

/* Programs of both BPF objects, at most. */
#define DIAGNOSIS_PROGRAMS 18

struct diagnosed_netns {
	struct netns netns;
	struct keepalive_sysctl sysctl;
};

struct diagnosis {
	struct host host;
	unsigned int hz;	/* 0: not learned */
	struct findings findings;
	struct support_result programs[DIAGNOSIS_PROGRAMS];	/* those tried */
	unsigned int program_count;
	struct diagnosed_netns *namespaces;
	unsigned int namespace_count;
};

/* Examines this host: loads and attaches each program for a moment, reads one pass over all
 * sockets, and changes nothing. */
void diagnosis__make(struct diagnosis *d);

void diagnosis__free(struct diagnosis *d);

#endif
