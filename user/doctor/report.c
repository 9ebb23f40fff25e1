// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "doctor/report.h"
#include "timeline/line.h"
#include "timeline/names.h"
#include "value/words.h"

/* ---- JSON ---- */

static void write_finding(struct json *j, const struct finding *f)
{
	json__object(j, NULL);
	json__string(j, "id", f->id);
	json__string(j, "level", finding_level__name(f->level));
	json__string(j, "what", f->what ? f->what : "");
	if (f->effect)
		json__string(j, "effect", f->effect);
	if (f->advice)
		json__string(j, "advice", f->advice);
	json__end_object(j);
}

static void write_program(struct json *j, const struct support_result *r)
{
	int err = r->load_error ? r->load_error : r->attach_error;
	char number[ERRNO_NUMBER_SIZE];

	json__object(j, NULL);
	json__string(j, "program", r->program);
	json__string(j, "hook", r->hook);
	json__bool(j, "loaded", !r->load_error);
	json__bool(j, "attached", !err);
	if (err)
		json__string(j, "error", errno__name(-err, number));
	if (r->said[0])
		json__string(j, "said", r->said);
	if (err && r->part->without)
		json__string(j, "without", r->part->without);
	json__end_object(j);
}

static void write_netns(struct json *j, const struct diagnosed_netns *ns)
{
	json__object(j, NULL);
	json__object(j, "netns");
	json__u64(j, "inode", ns->netns.inode);
	if (ns->netns.cookie)
		json__big(j, "cookie", ns->netns.cookie);
	if (ns->netns.name[0])
		json__string(j, "name", ns->netns.name);
	if (ns->netns.host_name[0])
		json__string(j, "host_name", ns->netns.host_name);
	json__end_object(j);
	json__s64(j, "idle_s", ns->sysctl.idle_s);
	json__s64(j, "interval_s", ns->sysctl.interval_s);
	json__s64(j, "probes", ns->sysctl.probes);
	json__end_object(j);
}

int doctor__write_json(struct output *o, const struct diagnosis *d, const char *version,
		       const char *gateway)
{
	struct line_origin origin = { .gateway = gateway ? gateway : d->host.name,
				      .boot_id = d->host.boot_id, .run_id = d->host.run_id };
	struct json j = { 0 };
	unsigned int i;
	int err;

	line__begin(&j, "halfopen.doctor/1", &origin);
	json__string(&j, "version", version);
	json__string(&j, "kernel", d->host.kernel);
	json__string(&j, "machine", d->host.machine);
	if (d->hz)
		json__u64(&j, "hz", d->hz);
	json__bool(&j, "impaired", findings__worst(&d->findings) == FINDING_PROBLEM);
	json__array(&j, "findings");
	for (i = 0; i < d->findings.count; i++)
		write_finding(&j, &d->findings.all[i]);
	json__end_array(&j);
	json__array(&j, "programs");
	for (i = 0; i < d->program_count; i++)
		write_program(&j, &d->programs[i]);
	json__end_array(&j);
	json__array(&j, "sysctl");
	for (i = 0; i < d->namespace_count; i++)
		write_netns(&j, &d->namespaces[i]);
	json__end_array(&j);
	json__end_object(&j);
	json__end_line(&j);
	err = j.failed ? -ENOMEM : output__write(o, j.text, j.length);
	json__free(&j);
	return err;
}

/* ---- text ---- */

#define WHAT_COLUMN 28

static void add_words(struct words *w, const char *label, const char *words)
{
	if (words)
		words__add(w, "%*s%s: %s\n", WHAT_COLUMN, "", label, words);
}

static const char *verdict(enum finding_level worst)
{
	switch (worst) {
	case FINDING_PROBLEM:
		return "impaired: something that watching needs is missing, see above";
	case FINDING_WARNING:
		return "watching works; some things stay unknown, see above";
	default:
		return "watching works, and sees everything it can";
	}
}

int doctor__write_text(struct output *o, const struct diagnosis *d)
{
	struct words w = { 0 };
	unsigned int i;
	int err;

	for (i = 0; i < d->findings.count; i++) {
		const struct finding *finding = &d->findings.all[i];

		words__add(&w, "%-8s %-18s %s\n", finding_level__name(finding->level), finding->id,
			   finding->what ? finding->what : "");
		add_words(&w, "unknown", finding->effect);
		add_words(&w, "do", finding->advice);
	}
	words__add(&w, "%s\n", verdict(findings__worst(&d->findings)));
	err = w.failed ? -ENOMEM : output__write(o, w.text, w.length);
	words__free(&w);
	return err;
}
