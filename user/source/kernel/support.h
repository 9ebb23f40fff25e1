/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Selects the programs that this kernel accepts. Its BTF is checked first; where that was not
 * enough, each program is loaded and attached alone, and refused ones are left out.
 */
#ifndef HALFOPEN_SOURCE_KERNEL_SUPPORT_H
#define HALFOPEN_SOURCE_KERNEL_SUPPORT_H

#include <bpf/libbpf.h>
#include <stdbool.h>

struct kernel_btf;

/* A kernel with this function lets tracing programs create cookies (compat.bpf.h). */
#define COOKIE_HELPER "bpf_get_socket_ptr_cookie"

/* One job of the kernel side. */
struct support_part {
	const char *program;	/* the program for it */
	const char *instead; /* its form for kernels that refuse the first; NULL: none */
	const char *needs;	/* a kernel function that the first form calls; NULL: none */
	const char *unless;	/* a kernel function that makes it unnecessary; NULL: none */
	const char *only_with;	/* a kernel function without which it is not needed; NULL: none */
	const char *without;	/* what stays unknown without it; NULL: everything */
	bool vital;		/* without it the main job is impaired or impossible */
};

/* An object with programs; `open` sets what must be set before load. */
struct support_object {
	const struct support_part *parts;
	unsigned int count;
	void *(*open)(const void *config, struct bpf_object **object);	/* NULL: see errno */
	int (*load)(void *skeleton);
	void (*close)(void *skeleton);
};

struct support_result {
	const struct support_part *part;
	const char *program;		/* the accepted form, or the last refused one */
	char hook[48];			/* tcp_probe, ... */
	bool needless;		/* as `unless` or `only_with` say */
	bool tried;			/* really loaded; else only BTF was checked */
	int load_error, attach_error;	/* 0 or -errno; -ENOENT: the kernel lacks the hook */
	char said[256];			/* the verifier's last line */
};

static inline bool support__usable(const struct support_result *r)
{
	return !r->needless && !r->load_error && !r->attach_error;
}

/* From here on libbpf's messages appear only at LEVEL_DEBUG: we report what matters of them. */
void support__hush_libbpf(void);

/* How many arguments a tracepoint has, -1 if this kernel lacks it. */
int support__tracepoint_arguments(struct kernel_btf *btf, const char *name);

/* The hook of a program: its section without the kind. */
const char *support__hook(const struct bpf_program *program);

/* The results of BTF, and of loading and attaching each part alone for a moment, for doctor;
 * `results` has one slot a part. Returns 0 or -errno. */
int support__examine(const struct support_object *o, const void *config, struct kernel_btf *btf,
		   struct support_result *results);

/* Describes what the kernel refused, and why, without a full stop. */
void support__explain(const struct support_result *r, char *text, size_t size);

/*
 * Opens and loads what BTF suggests and, if the kernel refuses that, the parts that it accepts.
 * `results` (one slot a part) are set. Returns the skeleton, or NULL with `*err` set; then the
 * failure was logged.
 */
void *support__load(const struct support_object *o, const void *config, struct kernel_btf *btf,
		  struct support_result *results, int *err);

#endif
