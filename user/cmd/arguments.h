/* SPDX-License-Identifier: GPL-2.0 */
/* A verb's arguments: argp reads them; errors are printed safely for a terminal, whatever the
 * arguments contain. */
#ifndef HALFOPEN_CMD_ARGUMENTS_H
#define HALFOPEN_CMD_ARGUMENTS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The type of an option's value, and so of the member at its offset in the verb's options. */
enum argument_kind {
	ARGUMENT_FLAG,		/* bool */
	ARGUMENT_TEXT,		/* const char *, as it was given */
	ARGUMENT_DURATION,	/* uint64_t: nanoseconds */
	ARGUMENT_SIZE,		/* uint64_t: bytes */
	ARGUMENT_NUMBER,	/* uint64_t */
	ARGUMENT_OTHER,		/* decided by `read` */
};

/* An option of a verb: its key in argp's own table, how its value is read, and where it goes. */
struct argument {
	int key;
	enum argument_kind kind;
	size_t offset;
	uint64_t min, max;	/* both included; max 0: none */
	const char *expected;	/* "'VALUE' is no ..." */
	bool (*read)(const char *text, void *at);
};

/* Reads the option `key` as the table says; a wrong value ends the program with EXIT_USAGE.
 * ARGP_ERR_UNKNOWN where the table, which ends with a key of 0, does not have it. */
error_t argument__take(const struct argument *table, int key, const char *value,
		       const struct argp_state *state);

/* As argp_parse(3). An error ends the program with EXIT_USAGE. */
void arguments__parse(const struct argp *argp, int argc, char **argv, void *input);

/* As argp_error(3), with strings made safe to print. */
void arguments__refuse(const struct argp_state *state, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
