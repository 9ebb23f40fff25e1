// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "file/foreign.h"

#define SCHEMA "{\"schema\":\"halfopen."

/* The first bytes of kinds of files; the first match counts. */
static const struct {
	const char *magic;
	size_t size;
	const char *words;
} kinds[] = {
#define KIND(magic, words) { magic, sizeof(magic) - 1, words }
	KIND("HALFOPEN", "this is a recording: 'halfopen watch -r' and 'halfopen advise' read it"),
	KIND(SCHEMA "advice/1\"", "this is halfopen.advice/1: 'halfopen apply' reads it"),
	KIND(SCHEMA "doctor/1\"", "this is halfopen.doctor/1, of 'halfopen doctor'"),
	KIND(SCHEMA "compare/1\"", "this is halfopen.compare/1, of 'halfopen advise --compare'"),
	KIND(SCHEMA, "these are timelines: 'halfopen advise' reads them"),
	KIND("\xd4\xc3\xb2\xa1", "this is a capture of packets"),
	KIND("\xa1\xb2\xc3\xd4", "this is a capture of packets"),
	KIND("\x4d\x3c\xb2\xa1", "this is a capture of packets"),
	KIND("\x0a\x0d\x0d\x0a", "this is a capture of packets"),
	KIND("\x1f\x8b", "this is compressed by gzip: only zstd is read"),
	KIND("\x28\xb5\x2f\xfd", "this is compressed by zstd: unpack it by 'zstd -d'"),
	KIND("BZh", "this is compressed by bzip2: only zstd is read"),
	KIND("\xfd" "7zXZ", "this is compressed by xz: only zstd is read"),
#undef KIND
};

const char *foreign__words(const void *head, size_t size)
{
	size_t i;

	if (!size)
		return "it is empty";
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (size >= kinds[i].size && !memcmp(head, kinds[i].magic, kinds[i].size))
			return kinds[i].words;
	return NULL;
}
