// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <string.h>

#include "tcp/tcp_states.h"
#include "text/socket_cells.h"
#include "timeline/names.h"
#include "value/address.h"
#include "value/number.h"
#include "value/program_name.h"

static char *put_text(char *at, const char *text)
{
	return stpcpy(at, text);
}

/* In days alone from there on, so that no duration is longer than "99d23h". */
#define DAYS_ALONE_S 8640000

/* "12s", "3m20s", "2h11m", "5d3h", "312d": two units, rounded down. Written without printf(3), as there
 * may be a million. */
static char *put_duration(char *at, double s)
{
	static const struct {
		uint64_t s;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	uint64_t whole = s < 0 ? 0 : (uint64_t)s;
	unsigned int i = 0;

	while (i < 3 && whole < units[i].s)
		i++;
	at = number__put(at, whole / units[i].s);
	*at++ = units[i].unit;
	if (whole >= DAYS_ALONE_S)
		return at;
	whole %= units[i].s;
	if (i < 3 && whole / units[i + 1].s) {	/* "3m", not "3m0s" */
		at = number__put(at, whole / units[i + 1].s);
		*at++ = units[i + 1].unit;
	}
	return at;
}

static char *put_duration_or(char *at, double s, const char *otherwise)
{
	return isinf(s) ? put_text(at, otherwise) : put_duration(at, s);
}

static char *put_options(char *at, const struct timeline_keepalive *k)
{
	const double values[] = { k->idle_s, k->interval_s, k->probes };
	const enum option_source from[] = { k->idle_from, k->interval_from, k->probes_from };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		bool is_sysctl = from[i] == OPTION_FROM_SYSCTL;

		if (i)
			*at++ = '/';
		if (is_sysctl && (!i || from[i - 1] != OPTION_FROM_SYSCTL))
			*at++ = '(';
		at = number__put(at, values[i] < 0 ? 0 : (uint64_t)values[i]);
		if (is_sysctl && (i == 2 || from[i + 1] != OPTION_FROM_SYSCTL))
			*at++ = ')';
	}
	return at;
}

/* Values from sysctls are in parentheses: 60/(75/9). */
static char *put_keepalive(char *at, const struct timeline_keepalive *k)
{
	at = k->enabled ? put_options(at, k) : put_text(at, "off");
	if (k->user_timeout_ms > 0) {
		at = put_text(at, " ut=");
		at = put_duration(at, k->user_timeout_ms / 1e3);
	}
	return at;
}

static char *put_end(char *at, const struct timeline_end *e)
{
	char text[ADDRESS_TEXT_SIZE];

	return put_text(at, address__with_port(e->address, e->port, text));
}

static char *put_name(char *at, const char *name)
{
	plain_text__name(name, SOCKET_NAME_COLUMNS, at, SOCKET_CELL_SIZE);
	return at + strlen(at);
}

/* comm/pid@NAMESPACE */
static char *put_new_owner(char *at, const struct timeline_socket *s, enum no_owner no_owner)
{
	static const char *const none[NO_OWNER_COUNT] = {
		[HAS_OWNER] = "-", [NOT_ACCEPTED] = "(not accepted)", [CLOSED_BY_OWNER] = "-",
		[OWNER_UNSEEN] = "?" };

	if (s->owner.known) {
		at = put_name(at, program_name__shown(s->owner.comm));
		*at++ = '/';
		at = number__put(at, s->owner.pid);
	} else {
		at = put_text(at, none[no_owner]);
	}
	if (*s->netns.name) {
		*at++ = '@';
		at = put_name(at, s->netns.name);
	}
	return at;
}

/* The same, which is most often that of the line before. */
static char *put_owner(struct socket_cells_owner *last, char *at, const struct timeline_socket *s,
		       enum no_owner no_owner)
{
	bool is_known = last->length && s->owner.known && last->pid == s->owner.pid &&
			!strcmp(last->comm, s->owner.comm) &&
			!strcmp(last->netns, s->netns.name);
	char *end;

	if (is_known)
		return mempcpy(at, last->cell, last->length);
	end = put_new_owner(at, s, no_owner);
	last->length = 0;
	if (!s->owner.known || strlen(s->owner.comm) >= sizeof(last->comm) ||
	    strlen(s->netns.name) >= sizeof(last->netns) ||
	    end - at > (ptrdiff_t)sizeof(last->cell))
		return end;
	strcpy(last->comm, s->owner.comm);
	strcpy(last->netns, s->netns.name);
	last->pid = s->owner.pid;
	last->length = end - at;
	memcpy(last->cell, at, last->length);
	return end;
}

/* As ss(8) calls them. */
static const char *state_name(unsigned int state)
{
	switch (state) {
	case TCP_ESTABLISHED:
		return "ESTAB";
	case TCP_SYN_RECV:
		return "SYN-RECV";
	case TCP_FIN_WAIT1:
		return "FIN-WAIT-1";
	case TCP_FIN_WAIT2:
		return "FIN-WAIT-2";
	case TCP_CLOSE_WAIT:
		return "CLOSE-WAIT";
	case TCP_LAST_ACK:
		return "LAST-ACK";
	default:
		return tcp_state__name(state);
	}
}

char *socket_cells__put_pair(char *at, const struct timeline_pair *p)
{
	if (!p->cookie)
		return at;
	if (p->suspect)
		at = put_text(at, "suspect ");
	return put_end(at, &p->peer);
}

/* "close_wait,probes_off" */
static char *put_faults(char *at, unsigned int faults)
{
	const char *begin = at;
	unsigned int i;

	for (i = 0; i < SOCKET_FAULTS; i++) {
		if (!(faults & 1U << i))
			continue;
		if (at > begin)
			*at++ = ',';
		at = put_text(at, socket_fault__name(i));
	}
	return at;
}

/* How likely its peer is; "" where nothing is known. */
static char *put_dead(char *at, double chance)
{
	if (isnan(chance))
		return at;
	if (chance > 0 && chance < 0.01)
		return put_text(at, "<1%");
	if (chance < 1 && chance > 0.99)
		return put_text(at, ">99%");
	return put_text(number__put(at, lround(chance * 100)), "%");
}

char *socket_cells__put(struct socket_cells_owner *owner, char *at, enum socket_column column,
			const struct socket_now *s)
{
	switch (column) {
	case COLUMN_STATE:
		return put_text(at, state_name(s->state));
	case COLUMN_PEER:
		return put_end(at, &s->socket.peer);
	case COLUMN_DEVICE:
		return put_name(at, s->socket.device);
	case COLUMN_LOCAL:
		return put_end(at, &s->socket.local);
	case COLUMN_OWNER:
		return put_owner(owner, at, &s->socket, s->no_owner);
	case COLUMN_KEEPALIVE:
		return put_keepalive(at, &s->keepalive);
	case COLUMN_SILENT:
		return put_duration(at, s->silent_s);
	case COLUMN_DEAD:
		return put_dead(at, s->dead_probability);
	case COLUMN_UNANSWERED:
		return number__put(at, s->unanswered);
	case COLUMN_NEXT:
		return put_duration_or(at, s->next_probe_in_s, "-");
	case COLUMN_DIES:
		return put_duration_or(at, s->dies_in_s, s->ended_at ? "-" : "never");
	case COLUMN_NOTICES:
		if (s->ended_at)
			return put_text(at, "-");
		if (!s->exposed && !isinf(s->notices_in_s))
			return put_text(at, "local");
		return s->notices_in_s < 0 ? put_text(at, "-")
					   : put_duration_or(at, s->notices_in_s, "never");
	case COLUMN_PAIR:
		return socket_cells__put_pair(at, &s->pair);
	case COLUMN_FAULTS:
		return put_faults(at, s->faults);
	}
	return at;
}
