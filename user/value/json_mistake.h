/* SPDX-License-Identifier: GPL-2.0 */
/* What is wrong with a line that should be JSON, in words of its author's, not of the library's. */
#ifndef HALFOPEN_VALUE_JSON_MISTAKE_H
#define HALFOPEN_VALUE_JSON_MISTAKE_H

#include <jansson.h>

/* Valid as long as the error. */
static inline const char *json_mistake__words(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a string with \\u0000 in it: no name has a zero byte";
	default:
		return error->text;
	}
}

#endif
