// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "filter/operand.h"
#include "tcp/tcp_states.h"
#include "value/number.h"

bool operand__read_port(const char *text, size_t length, filter_service_fn service, uint32_t *port)
{
	size_t colon = length && *text == ':';
	uint16_t found;

	if (number__read(text + colon, length - colon, 65535, port))
		return true;
	if (!service || !service(text + colon, length - colon, &found))
		return false;
	*port = found;
	return true;
}

/* Cuts the port off the text of a host; an IPv6 address needs brackets for that. */
static bool cut_port(char *text, filter_service_fn service, struct filter_host *h)
{
	char *bracket = strchr(text, ']'), *colon = strrchr(text, ':');
	uint32_t port;

	h->port = -1;
	if (bracket)
		colon = strchr(bracket, ':');
	else if (colon && strchr(text, ':') != colon)
		colon = NULL; /* an IPv6 address */
	if (!colon)
		return true;
	*colon = '\0';
	if (!strcmp(colon + 1, "*"))
		return true;
	if (!operand__read_port(colon + 1, strlen(colon + 1), service, &port))
		return false;
	h->port = port;
	return true;
}

static bool read_network(const char *text, struct network *n)
{
	if (!*text || !strcmp(text, "*"))
		return true; /* any address */
	return network__read(text, n) == NETWORK_OK;
}

bool operand__read_host(char *text, filter_service_fn service, struct filter_host *h)
{
	char *bracket;

	if (!cut_port(text, service, h))
		return false;
	bracket = strchr(text, ']');
	if (*text == '[' && bracket) { /* [ADDRESS] or [ADDRESS]/PREFIX or [ADDRESS/PREFIX] */
		memmove(bracket, bracket + 1, strlen(bracket + 1) + 1);
		text++;
	}
	return read_network(text, &h->network);
}

#define BIT FILTER_STATE_BIT

static const struct {
	const char *name;
	uint32_t states;
} state_names[] = {
	{ "established", BIT(TCP_ESTABLISHED) },
	{ "syn-sent", BIT(TCP_SYN_SENT) },
	{ "syn-recv", BIT(TCP_SYN_RECV) },
	{ "fin-wait-1", BIT(TCP_FIN_WAIT1) },
	{ "fin-wait-2", BIT(TCP_FIN_WAIT2) },
	{ "time-wait", BIT(TCP_TIME_WAIT) },
	{ "closed", BIT(TCP_CLOSE) },
	{ "close", BIT(TCP_CLOSE) },	/* as JSON has it */
	{ "close-wait", BIT(TCP_CLOSE_WAIT) },
	{ "last-ack", BIT(TCP_LAST_ACK) },
	{ "listening", BIT(TCP_LISTEN) },
	{ "closing", BIT(TCP_CLOSING) },
	{ "all", ~0U },
	{ "connected", ~(BIT(TCP_CLOSE) | BIT(TCP_LISTEN)) },
	{ "synchronized", ~(BIT(TCP_CLOSE) | BIT(TCP_LISTEN) | BIT(TCP_SYN_SENT)) },
	{ "bucket", BIT(TCP_SYN_RECV) | BIT(TCP_TIME_WAIT) },
	{ "big", ~(BIT(TCP_SYN_RECV) | BIT(TCP_TIME_WAIT)) },
};

bool operand__read_states(const struct lexer *l, uint32_t *states)
{
	unsigned int i;

	for (i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++) {
		if (!lexer__is(l, state_names[i].name))
			continue;
		*states = state_names[i].states;
		return true;
	}
	return false;
}
