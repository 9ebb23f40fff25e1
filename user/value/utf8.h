/* SPDX-License-Identifier: GPL-2.0 */
/* UTF-8 (RFC 3629), a character at a time, and characters that a terminal does not simply show. */
#ifndef HALFOPEN_VALUE_UTF8_H
#define HALFOPEN_VALUE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length in bytes of the well-formed character at the start of the NUL-terminated `s`, which goes
 * into `character`; 0 if there is none: an invalid or overlong byte sequence, a surrogate, the
 * end. */
size_t utf8__decode(const char *s, uint32_t *character);

/* The character's bytes, ended by a NUL; "" where there is no such one. */
void utf8__encode(uint32_t character, char bytes[5]);

/* Does a terminal, instead of showing it, interpret it (controls, C1 codes), reorder its neighbours
 * (bidirectional marks, overrides and isolates), end the line (U+2028, U+2029), or show nothing at
 * all? */
bool utf8__is_hidden(uint32_t character);

#endif
