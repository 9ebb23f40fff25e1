// SPDX-License-Identifier: GPL-2.0
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel_btf.h"
#include "kernel/memlock.h"
#include "kernel/support.h"
#include "sys/log.h"
#include "sys/reason.h"

/* The verifier also fails a program whose log does not fit. Only the pages in use are touched. */
#define LOG_BYTES (16 << 20)

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level > LIBBPF_INFO || log__level() < LEVEL_DEBUG)
		return 0;
	log__write_lines(format, args);
	return 0;
}

void support__hush_libbpf(void)
{
	libbpf_set_print(print_libbpf);
}

int support__tracepoint_arguments(struct kernel_btf *kernel, const char *name)
{
	const struct btf *btf = kernel_btf__types(kernel);
	char type_name[128];
	const struct btf_type *t;
	int id;

	if (!btf)
		return -1;
	snprintf(type_name, sizeof(type_name), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type_name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return -1;
	t = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);	/* a pointer ... */
	t = t ? btf__type_by_id(btf, t->type) : NULL;	/* ... to the prototype, ... */
	return t ? (int)btf_vlen(t) - 1 : -1;	/* ... whose first argument is the hook's own */
}

const char *support__hook(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program), *slash = strchr(section, '/');

	return slash ? slash + 1 : section;
}

static bool has_hook(const struct bpf_program *program, const struct kernel_btf *btf)
{
	char type_name[128];

	snprintf(type_name, sizeof(type_name), "btf_trace_%s", support__hook(program));
	return strncmp(bpf_program__section_name(program), "tp_btf/", 7) ||
	       kernel_btf__has(btf, type_name);
}

/* Checks each part against BTF; `results` has one slot a part. */
static void ask(const struct support_object *o, const struct bpf_object *object,
		const struct kernel_btf *btf, struct support_result *results)
{
	unsigned int i;

	for (i = 0; i < o->count; i++) {
		const struct support_part *part = &o->parts[i];
		struct support_result *r = &results[i];
		const struct bpf_program *program;

		*r = (struct support_result){ .part = part, .program = part->program };
		if (part->needs && part->instead && !kernel_btf__has(btf, part->needs))
			r->program = part->instead;
		program = bpf_object__find_program_by_name(object, r->program);
		snprintf(r->hook, sizeof(r->hook), "%s", support__hook(program));
		r->needless =
			(part->unless && kernel_btf__has(btf, part->unless)) ||
			(part->only_with && !kernel_btf__has(btf, part->only_with));
		if (!has_hook(program, btf))
			r->load_error = -ENOENT;
	}
}

/* Marks the programs of an opened object that are to be loaded. */
static void apply(const struct support_result *results, unsigned int count,
		  struct bpf_object *object)
{
	struct bpf_program *program;
	unsigned int i;

	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, false);
	for (i = 0; i < count; i++)
		if (support__usable(&results[i]))
			bpf_program__set_autoload(
				bpf_object__find_program_by_name(object, results[i].program), true);
}

/* The last line of the verifier's log with a reason: before its statistics. */
static void last_words(char *log, char *said, size_t size)
{
	char *line, *rest = log;

	while ((line = strsep(&rest, "\n")))
		if (*line && strncmp(line, "processed ", 10) &&
		    strncmp(line, "verification time", 17) && strncmp(line, "stack depth", 11))
			snprintf(said, size, "%s", line);
}

static void try_one(const struct support_object *o, const void *config, struct support_result *r)
{
	struct bpf_program *program;
	struct bpf_object *object;
	struct bpf_link *link;
	void *skeleton = o->open(config, &object);
	char *log = calloc(1, LOG_BYTES);

	r->tried = true;
	r->load_error = r->attach_error = 0;
	r->said[0] = '\0';
	if (!skeleton || !log) {
		r->load_error = -errno;
		free(log);
		return;
	}
	apply(r, 1, object);
	program = bpf_object__find_program_by_name(object, r->program);
	/* written only if the kernel refuses */
	bpf_program__set_log_buf(program, log, LOG_BYTES);
	r->load_error = o->load(skeleton);
	if (r->load_error) {
		last_words(log, r->said, sizeof(r->said));
	} else if (strchr(bpf_program__section_name(program), '/')) {
		link = bpf_program__attach(program);
		r->attach_error = link ? 0 : -errno;
		bpf_link__destroy(link);
	}
	o->close(skeleton);
	free(log);
}

/* Loads and attaches each part alone, for a moment, in the other form where the first is refused.
 * After ask(). Programs on cgroups are only loaded. */
static void try_each(const struct support_object *o, const void *config,
		     struct support_result *results)
{
	unsigned int i;

	for (i = 0; i < o->count; i++) {
		struct support_result *r = &results[i];

		if (r->needless || r->load_error == -ENOENT)
			continue;
		try_one(o, config, r);
		if (!support__usable(r) && r->part->instead && r->program == r->part->program) {
			r->program = r->part->instead;
			try_one(o, config, r);
		}
	}
}

int support__examine(const struct support_object *o, const void *config, struct kernel_btf *btf,
		   struct support_result *results)
{
	struct bpf_object *object;
	void *skeleton = o->open(config, &object);

	if (!skeleton)
		return -errno;
	ask(o, object, btf, results);
	o->close(skeleton);
	try_each(o, config, results);
	return 0;
}

void support__explain(const struct support_result *r, char *text, size_t size)
{
	int err = r->load_error ? r->load_error : r->attach_error;

	if (err == -ENOENT && !r->tried)
		snprintf(text, size, "this kernel has no tracepoint %s", r->hook);
	else if (reason__is_limit(err))
		snprintf(text, size, "%s on %s could not be loaded: %s", r->program, r->hook,
			 reason__of(err));
	else
		snprintf(text, size, "this kernel does not take %s on %s (%s%s%s)", r->program,
			 r->hook, strerror(-err), r->said[0] ? ": " : "", r->said);
}

/* Warns of what stays unknown. Returns -ENOTSUP if that is everything, which is an error. */
static int report(const struct support_result *results, unsigned int count)
{
	char text[512];
	unsigned int i;
	int err = 0;

	for (i = 0; i < count; i++) {
		const struct support_result *r = &results[i];

		if (r->needless || support__usable(r))
			continue;
		support__explain(r, text, sizeof(text));
		if (r->part->without) {
			log_warning("%s: %s", text, r->part->without);
			continue;
		}
		log_error("%s, without which keepalive cannot be followed; 'halfopen doctor' tells "
			  "more", text);
		err = -ENOTSUP;
	}
	return err;
}

/* Was a limit of ours met, rather than a refusal of the kernel? Then each program alone may be
 * accepted. */
static bool is_limit(const struct kernel_btf *btf, int err)
{
	unsigned long long kib;

	return reason__is_limit(err) || (err == -EPERM && memlock__is_limit(btf, &kib));
}

static void say_why(const struct kernel_btf *btf, int err)
{
	unsigned long long kib;

	if (reason__is_limit(err))
		log_error("cannot load our programs: %s", reason__of(err));
	else if (err == -EPERM && memlock__is_limit(btf, &kib))
		log_error("cannot load our programs: BPF memory counts for RLIMIT_MEMLOCK, which "
			  "is %llu KiB: " MEMLOCK_ADVICE, kib);
	else
		log_error("this kernel does not take our programs: %s", strerror(-err));
}

void *support__load(const struct support_object *o, const void *config, struct kernel_btf *btf,
		  struct support_result *results, int *err)
{
	struct bpf_object *object;
	bool tried = false;
	void *skeleton;

	for (;;) {
		skeleton = o->open(config, &object);
		if (!skeleton) {
			*err = -errno;
			log_error("cannot open our own programs: %s", reason__of(*err));
			return NULL;
		}
		if (!tried)
			ask(o, object, btf, results);
		apply(results, o->count, object);
		*err = o->load(skeleton);
		if (*err == -EBADF)	/* of dup3(2) within libbpf, beyond the limit */
			*err = -EMFILE;
		if (!*err || tried || is_limit(btf, *err))
			break;
		o->close(skeleton);
		log_debug("the kernel refused some program (%s); trying each alone",
			  strerror(-*err));
		try_each(o, config, results);
		tried = true;
	}
	if (*err)
		say_why(btf, *err);
	else
		*err = report(results, o->count);
	if (!*err)
		return skeleton;
	o->close(skeleton);
	return NULL;
}
