/* SPDX-License-Identifier: GPL-2.0 */
/* The verbs: arguments in, calls out, no logic of the field. */
#ifndef HALFOPEN_CMD_CMD_H
#define HALFOPEN_CMD_CMD_H

#include "file/exit_code.h"

/* Each takes the verb's own arguments, argv[0] being "halfopen VERB"; returns an exit code. */
int cmd_watch(int argc, char **argv);
int cmd_sockets(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_probe(int argc, char **argv);
int cmd_reach(int argc, char **argv);
int cmd_advise(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_apply(int argc, char **argv);
int cmd_revert(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

#endif
