/* SPDX-License-Identifier: GPL-2.0 */
/* Operands of tests: ports, hosts, sets of states, as ss(8) writes them. */
#ifndef HALFOPEN_CORE_FILTER_OPERAND_H
#define HALFOPEN_CORE_FILTER_OPERAND_H

#include "filter/lexer.h"
#include "filter/node.h"

/* 1883, :1883, or a name that `service` (may be NULL) knows: :http */
bool operand__read_port(const char *text, size_t length, filter_service_fn service, uint32_t *port);

/* ADDRESS[/BITS][:PORT], an IPv6 address in brackets where a port follows, or :PORT; the text is
 * cut up. `h` is all 0 before. */
bool operand__read_host(char *text, filter_service_fn service, struct filter_host *h);

/* The present word as a set of states (FILTER_STATE_BIT). */
bool operand__read_states(const struct lexer *l, uint32_t *states);

#endif
