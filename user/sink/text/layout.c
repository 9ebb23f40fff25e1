// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <time.h>

#include "text/fit.h"
#include "text/layout.h"
#include "text/service.h"
#include "value/address.h"
#include "value/plain_text.h"
#include "value/program_name.h"

/* A terminal this wide shows both ends and the process of a socket, where they fit. */
#define WIDE 120

static void begin_colour(const struct layout *l, struct words *w, enum text_colour colour)
{
	static const char *const codes[] = {
		[PLAIN] = "", [RED] = "\033[31m", [YELLOW] = "\033[33m", [GREEN] = "\033[32m",
	};

	if (l->colours)
		words__append(w, codes[colour], strlen(codes[colour]));
}

static void end_colour(const struct layout *l, struct words *w, enum text_colour colour)
{
	if (l->colours && colour != PLAIN)
		words__append(w, "\033[0m", 4);
}

static bool is_narrow(const struct layout *l)
{
	return l->columns && l->columns < WIDE;
}

static void add_clock(const struct layout *l, struct words *w, int64_t wall_ns, bool brief,
		      bool offset)
{
	time_t seconds = wall_ns / 1000000000;
	char clock[16], zone[16];
	struct tm tm;

	if (l->utc)
		gmtime_r(&seconds, &tm);
	else
		localtime_r(&seconds, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	words__add(w, "%s", clock);
	if (!brief)
		words__add(w, ".%03d", (int)(wall_ns / 1000000 % 1000));
	if (offset)
		words__add(w, "%.3s:%s", zone, zone + 3);
	words__add(w, brief ? " " : "  ");
}

void layout__add_time(const struct layout *l, struct words *w, int64_t wall_ns)
{
	add_clock(l, w, wall_ns, is_narrow(l), !is_narrow(l) || !l->offset_is_shown);
}

void layout__add_status_time(const struct layout *l, struct words *w, int64_t wall_ns)
{
	add_clock(l, w, wall_ns, true, true);
}

/* Of the time before each line. */
static int time_columns(const struct layout *l)
{
	return !is_narrow(l) ? 20 : l->offset_is_shown ? 9 : 15;
}

/* ---- one socket in a line ---- */

/* Names chosen by others take no more columns than this, so that none widens all lines. */
#define NAME_COLUMNS 64

/* Columns are as wide as the widest so far, so that lines stay aligned. */
static void add_column(struct layout *l, struct words *w, unsigned int column, const char *text)
{
	static const int at_least[] = { 18, 20, 20 };
	int width = plain_text__columns(text);

	if (l->widths[column] < at_least[column])
		l->widths[column] = at_least[column];
	if (width > l->widths[column])
		l->widths[column] = width;
	words__add(w, "%-*s  ", l->widths[column], text);
}

/* comm/pid@NAME, and a host name in words, which is no part of an address. */
static void add_owner(struct words *w, const struct timeline_socket *s)
{
	char part[PLAIN_TEXT_SIZE(NAME_COLUMNS)], host[4 * 65];

	words__add(w, "%s", plain_text__name(s->owner.known ? program_name__shown(s->owner.comm) : "-",
					     NAME_COLUMNS, part, sizeof(part)));
	if (s->owner.known)
		words__add(w, "/%u", s->owner.pid);
	if (*s->netns.name)
		words__add(w, "@%s",
			   plain_text__name(s->netns.name, NAME_COLUMNS, part, sizeof(part)));
	if (*s->netns.host_name)
		words__add(w, " (host %s)",
			   plain_text__within(plain_text__of_host(s->netns.host_name, host,
								  sizeof(host)),
					      NAME_COLUMNS, part, sizeof(part)));
}

static void add_socket(struct layout *l, struct words *w, const struct timeline_socket *s)
{
	char device[PLAIN_TEXT_SIZE(NAME_COLUMNS)], end[ADDRESS_TEXT_SIZE];
	struct words owner = { 0 }, peer = { 0 };

	add_owner(&owner, s);
	add_column(l, w, 0, owner.text ? owner.text : "");
	add_column(l, w, 1, address__with_port(s->local.address, s->local.port, end));
	words__add(&peer, "%s", address__with_port(s->peer.address, s->peer.port, end));
	if (*s->device)
		words__add(&peer, " (%s)", plain_text__name(s->device, NAME_COLUMNS, device,
							      sizeof(device)));
	add_column(l, w, 2, peer.text ? peer.text : "");
	w->failed |= owner.failed || peer.failed;
	words__free(&owner);
	words__free(&peer);
}

/* On a narrow terminal: the program and its port, and the peer, by the name of its device if it has
 * one. */
#define NAMES_COLUMNS 16
#define NAMES_COLUMNS_LEAST 8
#define NAMES_COLUMNS_MOST 40
#define WHO_COLUMNS 26

void layout__add_service(const struct layout *l, struct words *w, const struct story_key *key,
			 const struct timeline_socket *s)
{
	service__add(w, key, s,
		     !l->columns ? 2 * NAME_COLUMNS : !is_narrow(l) ? NAMES_COLUMNS_MOST
		     : l->columns < 80 ? NAMES_COLUMNS_LEAST : NAMES_COLUMNS);
}

void layout__add_who(struct layout *l, struct words *w, const struct words *who)
{
	int columns = who->text ? (int)plain_text__columns(who->text) : 0;

	if (l->columns && columns > l->who_width)
		l->who_width = columns < WHO_COLUMNS ? columns : WHO_COLUMNS;
	if (is_narrow(l))
		fit__add(w, who->text ? who->text : "-", l->who_width, true);
	else
		words__append(w, who->text, who->length);
	words__append(w, "  ", 2);
	w->failed |= who->failed;
}

#define PEER_COLUMNS 47
#define DEVICE_COLUMNS 16

/* Within `columns`; a device's name, if it can be, within `better`. An address keeps its port, by which
 * alone those behind a NAT differ. */
static void add_peer(struct words *w, const struct timeline_socket *s, int columns, int better)
{
	char end[ADDRESS_TEXT_SIZE];
	const char *text = *s->device ? s->device
				      : address__with_port(s->peer.address, s->peer.port, end);

	if (columns > PEER_COLUMNS)
		columns = PEER_COLUMNS;
	if (*s->device && better < columns)
		columns = better > DEVICE_COLUMNS ? better : DEVICE_COLUMNS;
	fit__add(w, text, columns, false);
	words__append(w, "  ", 2);
}

void layout__add_told(const struct layout *l, struct words *w, const char *told,
		      enum text_colour colour)
{
	int indent = time_columns(l);
	int at = indent + (w->text ? (int)plain_text__columns(w->text) : 0);

	begin_colour(l, w, colour);
	fit__add_broken(w, told, at, (int)l->columns, indent);
	end_colour(l, w, colour);
}

static void add_briefly(struct layout *l, struct words *w, const struct timeline_socket *s,
			const struct words *who, const char *what, enum text_colour colour)
{
	int left = (int)l->columns - time_columns(l) - 2;

	layout__add_who(l, w, who);
	left -= w->text ? (int)plain_text__columns(w->text) : 0;
	add_peer(w, s, left, left - (int)plain_text__columns(what));
	layout__add_told(l, w, what, colour);
}

static bool is_too_wide(const struct layout *l, const struct words *prefix,
			const struct words *what)
{
	return l->columns && time_columns(l) + plain_text__columns(prefix->text) +
				     plain_text__columns(what->text) > l->columns;
}

void layout__add_line(struct layout *l, struct words *w, const struct timeline_socket *s,
		      const struct words *who, struct words what[2], enum text_colour colour)
{
	struct words prefix = { 0 };

	w->failed |= what[0].failed || what[1].failed;
	if (!is_narrow(l))
		add_socket(l, &prefix, s);
	w->failed |= prefix.failed;
	if (w->failed) {
		/* it is told that memory was short where it ends the watch */
	} else if (is_narrow(l) || is_too_wide(l, &prefix, &what[0])) {
		add_briefly(l, w, s, who, what[1].text, colour);
	} else {
		words__append(w, prefix.text, prefix.length);
		begin_colour(l, w, colour);
		words__append(w, what[0].text, what[0].length);
		end_colour(l, w, colour);
	}
	words__free(&prefix);
	words__free(&what[0]);
	words__free(&what[1]);
}
