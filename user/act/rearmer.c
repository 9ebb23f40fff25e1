// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "act.h"
#include "act.skel.h"
#include "act/rearmer.h"
#include "kernel/support.h"
#include "sys/capability.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/reason.h"

/* The verifier also fails a program whose log does not fit. Only the pages in use are touched. */
#define LOG_BYTES (16 << 20)

struct rearmer {
	struct act_bpf *bpf;
	struct bpf_link *link;
};

/* Does the verifier reject a helper as missing, or as not for this kind of program? */
static bool lacks_helper(const char *log)
{
	return strstr(log, "unknown func") || strstr(log, "cannot use helper");
}

static int say_why_not_loaded(int err, const char *log)
{
	if (lacks_helper(log)) {
		log_error("--rearm: this kernel lets no iterator set options: Linux 5.15 or newer "
			  "is needed");
		return -ENOTSUP;
	}
	log_error("--rearm: its programs cannot be loaded: %s", reason__of(err));
	return err;
}

static int load(struct rearmer *r, uint32_t netns)
{
	char *log = calloc(1, LOG_BYTES);
	LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = log,
		    .kernel_log_size = LOG_BYTES);
	int err = 0;

	r->bpf = log ? act_bpf__open_opts(&options) : NULL;
	if (!r->bpf) {
		free(log);
		log_error("--rearm: %s", reason__of(ENOMEM));
		return -ENOMEM;
	}
	r->bpf->rodata->netns = netns;
	r->bpf->rodata->heard_jiffies = REARMER_HEARD_S * clock__hz();
	err = act_bpf__load(r->bpf);
	if (err)
		err = say_why_not_loaded(err, log);
	free(log);
	return err;
}

static int attach(struct rearmer *r)
{
	int err = act_bpf__attach(r->bpf);

	if (!err) {
		r->link = bpf_program__attach_iter(r->bpf->progs.pass, NULL);
		err = r->link ? 0 : -errno;
	}
	if (err)
		log_error("--rearm: its programs cannot be attached: %s", reason__of(err));
	return err;
}

int rearmer__open(uint32_t netns, struct rearmer **out)
{
	const char *missing = capability__missing_for_bpf();
	struct rearmer *r;
	int err;

	if (missing) {
		log_error("not permitted: --rearm needs %s (run it as root)", missing);
		return -EPERM;
	}
	support__hush_libbpf();
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	err = load(r, netns);
	if (!err)
		err = attach(r);
	if (!err)
		*out = r;
	else
		rearmer__close(r);
	return err;
}

static void forget_last_pass(struct ho_rearm_counts *c)
{
	memset(c->found, 0, sizeof(c->found));
	c->found_heard = c->undecided = 0;
}

int rearmer__pass(struct rearmer *r, uint64_t allowance)
{
	char nothing[64];
	ssize_t n;
	int fd;

	fd = bpf_iter_create(bpf_link__fd(r->link));
	if (fd < 0)
		return -errno;
	forget_last_pass(&r->bpf->bss->counts);
	r->bpf->bss->allowance = allowance;
	do {
		n = read(fd, nothing, sizeof(nothing));
	} while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
	n = n < 0 ? -errno : 0;
	r->bpf->bss->allowance = 0;
	close(fd);
	return n;
}

const volatile struct ho_rearm_counts *rearmer__counts(const struct rearmer *r)
{
	return &r->bpf->bss->counts;
}

void rearmer__close(struct rearmer *r)
{
	if (!r)
		return;
	bpf_link__destroy(r->link);
	act_bpf__destroy(r->bpf);
	free(r);
}
