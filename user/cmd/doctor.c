// SPDX-License-Identifier: GPL-2.0
/* halfopen doctor: a diagnosis, and a sink. */
#include <argp.h>
#include <errno.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/cmd.h"
#include "cmd/verbosity.h"
#include "doctor/diagnosis.h"
#include "doctor/report.h"
#include "sys/log.h"
#include "value/version.h"

struct options {
	bool json;
	const char *gateway;
};

enum { OPT_JSON = 256, OPT_GATEWAY };

static const struct argp_option argp_options[] = {
	{ "json", OPT_JSON, NULL, 0, "one line of JSON (halfopen.doctor/1) instead of text", 1 },
	{ "gateway", OPT_GATEWAY, "NAME", 0, "name of this host in the output", 1 },
	{ 0 },
};

static const char argp_doc[] =
	"Tells what this kernel and this host allow halfopen to see, what stays unknown, and what "
	"to do about it. Loads and attaches every program for a moment; changes nothing. With -v "
	"the verifier's words are shown, too.\v"
	"Examples:\n"
	"  halfopen doctor\n"
	"  halfopen doctor --json | jq '.findings[] | select(.level != \"ok\")'\n"
	"\n"
	"Exit codes: 0 watching works, 1 failed while running, 2 usage, 3 watching is impaired "
	"(some finding is a problem).\n";

static const struct argument arguments[] = {
	{ OPT_JSON, ARGUMENT_FLAG, .offset = offsetof(struct options, json) },
	{ OPT_GATEWAY, ARGUMENT_TEXT, .offset = offsetof(struct options, gateway) },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key != ARGP_KEY_ARG)
		return argument__take(arguments, key, arg, state);
	arguments__refuse(state, "'%s' was not expected: doctor takes no arguments", arg);
	return 0;
}

int cmd_doctor(int argc, char **argv)
{
	static const struct argp argp = {
		argp_options, parse, NULL, argp_doc, verbosity, NULL, NULL
	};
	struct options options = { 0 };
	struct diagnosis diagnosis;
	struct output output;
	int err, code;

	log__set_level(LEVEL_ERROR);	/* missing permissions are reported once, as a finding */
	arguments__parse(&argp, argc, argv, &options);
	support__hush_libbpf();
	output__standard(&output);
	diagnosis__make(&diagnosis);
	code = findings__worst(&diagnosis.findings) == FINDING_PROBLEM ? EXIT_FOUND : EXIT_DONE;
	err = options.json ? doctor__write_json(&output, &diagnosis, HALFOPEN_VERSION,
						options.gateway)
			   : doctor__write_text(&output, &diagnosis);
	if (!err && diagnosis.findings.failed)
		err = -ENOMEM;
	code = exit_code__of_output(&output, err, code);
	diagnosis__free(&diagnosis);
	return code;
}
