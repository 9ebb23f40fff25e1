// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>
#include <string.h>

#include "text/keepalive_switches.h"

static const struct {
	const char *program, *how;
} switches[] = {
	{ "nginx", "'listen PORT so_keepalive=on;'" },
	{ "haproxy", "'option clitcpka' (clients), 'option srvtcpka' (servers)" },
	{ "redis-server", "'tcp-keepalive 300'" },
	{ "valkey-server", "'tcp-keepalive 300'" },
	{ "sshd", "'TCPKeepAlive yes'" },
	{ "beam.smp", "EMQX: 'listeners.tcp.default.tcp_options.keepalive = \"240,30,5\"'; "
		      "RabbitMQ: 'tcp_listen_options.keepalive = true'" },
};

const char *keepalive_switch__of(const char *program)
{
	size_t i;

	for (i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (!strcmp(switches[i].program, program))
			return switches[i].how;
	return NULL;
}
