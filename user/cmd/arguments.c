// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/cmd.h"
#include "sys/log.h"
#include "value/plain_text.h"
#include "value/quantity.h"

#define MESSAGE_SIZE 32768

void arguments__refuse(const struct argp_state *state, const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	plain_text__vformat(message, sizeof(message), format, args);
	va_end(args);
	argp_error(state, "%s", message);
}

/* ---- values ---- */

static bool read_quantity(const struct argument *a, const char *text, uint64_t *at)
{
	uint64_t max = a->max ? a->max : UINT64_MAX;
	bool ok;

	if (a->kind == ARGUMENT_DURATION)
		ok = quantity__duration(text, at);
	else if (a->kind == ARGUMENT_SIZE)
		ok = quantity__size(text, at);
	else
		ok = quantity__number(text, a->min, max, at);
	return ok && *at >= a->min && *at <= max;
}

static bool read_value(const struct argument *a, const char *text, void *at)
{
	switch (a->kind) {
	case ARGUMENT_FLAG:
		*(bool *)at = true;
		return true;
	case ARGUMENT_TEXT:
		*(const char **)at = text;
		return true;
	case ARGUMENT_OTHER:
		return a->read(text, at);
	default:
		return read_quantity(a, text, at);
	}
}

/* argp's root is one of its own, with the verb's beneath it. NULL: no option has that key. */
static const char *name_of(const struct argp *argp, int key)
{
	const struct argp_option *option;
	const struct argp_child *child;
	const char *name = NULL;

	for (option = argp->options; option && (option->name || option->key); option++)
		if (option->key == key)
			return option->name;
	for (child = argp->children; child && child->argp && !name; child++)
		name = name_of(child->argp, key);
	return name;
}

error_t argument__take(const struct argument *table, int key, const char *value,
		       const struct argp_state *state)
{
	const struct argument *a = table;

	while (a->key && a->key != key)
		a++;
	if (!a->key)
		return ARGP_ERR_UNKNOWN;
	if (!read_value(a, value, (char *)state->input + a->offset))
		arguments__refuse(state, "--%s: '%s' is no %s", name_of(state->root_argp, key),
				  value, a->expected);
	return 0;
}

/* ---- unknown options ---- */

/* Does the short option `key` of `argp`, or of those that it has in common with others, take the
 * rest of its word as a value? */
static bool takes_value(const struct argp *argp, int key)
{
	const struct argp_option *option;
	const struct argp_child *child;

	for (option = argp->options; option && (option->name || option->key); option++)
		if (option->key == key)
			return option->arg;
	for (child = argp->children; child && child->argp; child++)
		if (takes_value(child->argp, key))
			return true;
	return false;
}

static bool is_ascii(char c)
{
	return c >= ' ' && c < 0x7f;
}

/* Number of long options that have this name, or begin with it. */
static unsigned int count_named(const struct argp *argp, const char *name, size_t length)
{
	const struct argp_option *option;
	const struct argp_child *child;
	unsigned int found = 0;

	for (option = argp->options; option && (option->name || option->key); option++) {
		if (!option->name || strncmp(option->name, name, length))
			continue;
		if (!option->name[length])
			return 1;
		found++;
	}
	for (child = argp->children; child && child->argp; child++)
		found += count_named(child->argp, name, length);
	return found;
}

static bool is_all_ascii(const char *word)
{
	while (is_ascii(*word))
		word++;
	return !*word;
}

/* May the word be given to getopt(3)? Names of options are ASCII; getopt(3) would print an unknown
 * or ambiguous word as it is, with its value. */
static bool can_be_option(const struct argp *argp, const char *word)
{
	const char *c;

	if (word[1] == '-')
		return is_all_ascii(word) ||
		       count_named(argp, word + 2, strcspn(word + 2, "=")) == 1;
	for (c = word + 1; *c; c++) {
		if (!is_ascii(*c))
			return false;
		if (takes_value(argp, *c))
			return true;
	}
	return true;
}

static void check_options(const struct argp *argp, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (argv[i][0] != '-' || can_be_option(argp, argv[i]))
			continue;
		log_error("there is no option '%s' (a file of that name is './%s'); '%s --help' "
			  "lists them", argv[i], argv[i], argv[0]);
		exit(EXIT_USAGE);
	}
}

void arguments__parse(const struct argp *argp, int argc, char **argv, void *input)
{
	argp_err_exit_status = EXIT_USAGE;
	check_options(argp, argc, argv);
	argp_parse(argp, argc, argv, 0, NULL, input);
}
