// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/progress.h"
#include "sys/terminal.h"
#include "value/plain_text.h"

#define INTERVAL_NS 200000000ULL
#define SILENT_NS 500000000ULL
/* Of a terminal that does not tell its width. */
#define COLUMNS 80
#define COLUMNS_MAX 256

static const char *work;	/* NULL: none is under way */
static uint64_t begun_ns, due_ns;
static bool is_allowed = true, is_wanted, is_shown;

void progress__allow(bool may)
{
	is_allowed = may;
}

void progress__begin(const char *what)
{
	work = what;
	is_wanted = is_allowed && terminal__is(STDERR_FILENO);
	begun_ns = clock__mono_ns();
	due_ns = begun_ns + SILENT_NS;
}

bool progress__is_due(void)
{
	return work && is_wanted && clock__mono_ns() >= due_ns;
}

/* The last column stays free: many terminals wrap there. */
unsigned int progress__columns(void)
{
	unsigned int width = terminal__columns(STDERR_FILENO);

	if (!width)
		width = COLUMNS;
	return width > COLUMNS_MAX ? COLUMNS_MAX : width > 5 ? width - 1 : 4;
}

void progress__show(const char *format, ...)
{
	char text[PLAIN_TEXT_SIZE(COLUMNS_MAX)], line[PLAIN_TEXT_SIZE(COLUMNS_MAX)];
	va_list args;

	if (!work || !is_wanted)
		return;
	va_start(args, format);
	plain_text__vformat(text, sizeof(text), format, args);
	va_end(args);
	plain_text__within(text, progress__columns(), line, sizeof(line));
	fprintf(stderr, "\r%s\033[K", line);
	fflush(stderr);
	due_ns = clock__mono_ns() + INTERVAL_NS;
	is_shown = true;
}

static const char *bytes_text(uint64_t bytes, char text[32])
{
	static const char *const units[] = { "kB", "MB", "GB", "TB" };
	double value = bytes / 1e3;
	unsigned int unit = 0;

	for (; value >= 999.95 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		value /= 1e3;
	snprintf(text, 32, "%.1f %s", value, units[unit]);
	return text;
}

void progress__show_bytes(uint64_t done, uint64_t total)
{
	char of_done[32], of_total[32];
	double took_s;

	if (!progress__is_due())
		return;
	took_s = (clock__mono_ns() - begun_ns) / 1e9;
	bytes_text(done, of_done);
	if (total && done && done <= total)
		progress__show("%s: %s of %s read (%.0f %%), %.0f s to go", work, of_done,
			       bytes_text(total, of_total), done * 100.0 / total,
			       ceil(took_s * (total - done) / done));
	else
		progress__show("%s: %s read", work, of_done);
}

void progress__clear(void)
{
	if (is_shown)
		fputs("\r\033[K", stderr);
	is_shown = false;
}

void progress__end(void)
{
	progress__clear();
	work = NULL;
}
