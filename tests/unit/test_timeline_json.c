// SPDX-License-Identifier: GPL-2.0
/* Lines of JSON, written here by docs/schema: what they are read as, and that they are written so. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tcp/tcp_states.h"
#include "timeline/timeline_json.h"
#include "unit.h"

/* JSON with ' for ", to be legible here. */
#define ORIGIN "'gateway':'gw-03','boot_id':'boot','run_id':'run','seq':7"
#define HEAD(schema) "{'schema':'halfopen." schema "/1'," ORIGIN
#define AT(s) "'1970-01-01T00:00:" #s ".000000001Z'"
#define NS(s) ((s) * S + 1)

#define SOCKET "'socket':{'cookie':'18446744073709551615','connection':2,'netns':{" \
	"'inode':4026531840,'cookie':'4294967301','name':'pod-7','host_name':'box'}," \
	"'family':'ipv6','local':{'address':'2001:db8::1','port':1883}," \
	"'peer':{'address':'2001:db8::7','port':46786},'owner':{'pid':812,'comm':'mosquitto'," \
	"'cgroup':'/a','container_id':'c0'},'device':'scooter-17','mptcp':true}"
#define PLAIN_SOCKET "'socket':{'cookie':'7','netns':{'inode':1},'family':'ipv4'," \
	"'local':{'address':'192.0.2.1','port':80},'peer':{'address':'192.0.2.7','port':999}}"

/* One that has all that a timeline may have. */
static const char ended[] = HEAD("timeline") ",'revision':3,'final':true," SOCKET ","
	"'keepalive':{'enabled':true,'idle_s':10,'interval_s':1.5,'probes':3,'user_timeout_ms':900,"
	"'rto_max_ms':20000,'from':{'idle':'sysctl','interval':'socket','probes':'policy'},"
	"'detects_within_s':13.25,'detects_within_max_s':14.5},'partial':true,"
	"'first_seen_at':" AT(01) ",'last_heard_at':" AT(02) ",'last_heard_is_lower_bound':true,"
	"'last_acknowledged_at':" AT(03) ",'half_closed_at':" AT(04) ",'ended_at':" AT(05) ","
	"'outcome':'keepalive_timeout','outcome_detail':'ETIMEDOUT',"
	"'half_open':{'found_by':'superseded','superseded_by':{'cookie':'99','peer':{"
	"'address':'2001:db8::8','port':50000},'at':" AT(06) ",'confidence':0.75},"
	"'last_heard_at':" AT(07) ",'first_unanswered_at':" AT(08) ",'last_unanswered_at':" AT(09) ","
	"'declared_at':" AT(10) ",'latency_ms':{'min':1024.5,'likely_min':3072.25,'max':13103.125}},"
	"'counts':{'probes_sent':1,'probes_answered':2,'probes_failed':3,'sends_failed':4,"
	"'answers_dropped':5,'peer_probes':6,'retransmits':7,'zero_window_probes':8,'heartbeats':9,"
	"'events_lost':10},'answered_by_another':{'count':11,'ttl':64,'data_ttl':63,"
	"'timestamps':true,'data_timestamps':false},'rtt_us':{'min':40211,'avg':51007,'max':80123},"
	"'heartbeat':{'period_s':60.1,'bytes':2,'replied':true},"
	"'traffic':{'over_s':600.5,'received_bytes':9007199254740992,'received_segments':12,"
	"'acked_bytes':13,'sent_segments':14},"
	"'gaps':{'survived':[{'from_s':50,'to_s':63.5,'count':12,'ended_by':'peer'},"
	"{'from_s':7.25,'to_s':8,'count':1,'ended_by':'us'}],'lost':{'after_s':50.5,'within_s':61.2}},"
	"'episodes':[{'kind':'keepalive','first_unanswered_at':" AT(11) ",'asks':3,"
	"'end':'recovered','ended_at':" AT(12) "},{'kind':'mixed','first_unanswered_at':" AT(13) ","
	"'asks':4,'end':'died','ended_at':" AT(14) "}],'episodes_omitted':15,"
	"'events':[{'event':'probe_sent','n':2,'at':" AT(15) ",'mono_ns':'18446744073709551615'},"
	"{'event':'probe_failed','why':'local_congestion','at':" AT(16) ",'mono_ns':'1'},"
	"{'event':'answered','n':1,'rtt_us':40000,'at':" AT(17) ",'mono_ns':'2'},"
	"{'event':'answered','n':3,'rtt_us':null,'at':" AT(18) ",'mono_ns':'3'},"
	"{'event':'answered_run','count':4,'first_at':" AT(19) ",'last_at':" AT(20) ","
	"'rtt_us':{'min':5,'avg':6,'max':8}}],'events_omitted':16}";

/* Others, each with what the first has not. */
static const char *const lines[] = {
	HEAD("timeline") ",'revision':1,'final':false," PLAIN_SOCKET ",'keepalive':null,"
	"'partial':false,'first_seen_at':" AT(01) ",'last_heard_at':null,'half_closed_at':null,"
	"'verified_at':" AT(02) ",'outcome':'suspect','half_open':{'found_by':'local_close',"
	"'last_heard_at':" AT(03) ",'declared_at':" AT(04) ",'latency_ms':{'min':null,"
	"'likely_min':null,'max':5}},'counts':{'probes_sent':0,'probes_answered':0,"
	"'probes_failed':0,'sends_failed':0,'peer_probes':0,'retransmits':0,'zero_window_probes':0,"
	"'heartbeats':0,'events_lost':0},'answered_by_another':{'count':1,'ttl':64,'data_ttl':64,"
	"'timestamps':false,'data_timestamps':true},'heartbeat':{'period_s':null,'bytes':64,"
	"'replied':null},'gaps':{'survived':[],'lost':{'after_s':0,'within_s':61.2}},"
	"'episodes':[{'kind':'fin','first_unanswered_at':" AT(05) ",'asks':2,'end':'open'}],"
	"'events':[],'events_omitted':0}",

	HEAD("timeline") ",'revision':1,'final':true," PLAIN_SOCKET ",'keepalive':{'enabled':false,"
	"'idle_s':7200,'interval_s':75,'probes':9,'user_timeout_ms':0,'from':{'idle':'policy',"
	"'interval':'sysctl','probes':'socket'},'detects_within_s':null,'detects_within_max_s':null},"
	"'partial':false,'first_seen_at':" AT(01) ",'last_heard_at':" AT(02) ",'ended_at':" AT(03) ","
	"'outcome':'closed_locally','outcome_detail':'moved','counts':{'probes_sent':0,"
	"'probes_answered':0,'probes_failed':0,'sends_failed':0,'peer_probes':0,'retransmits':0,"
	"'zero_window_probes':0,'heartbeats':0,'events_lost':0},'heartbeat':{'period_s':1,'bytes':1,"
	"'replied':false},'gaps':{'survived':[{'from_s':1,'to_s':2,'count':1,'ended_by':'peer'}]},"
	"'episodes':[],'events':[],'events_omitted':0}",

	HEAD("event") "," SOCKET ",'event':'seen','at':" AT(01) ",'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'established','at':" AT(01) ",'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'peer_probe','garbage_bytes':1,'at':" AT(01) ","
	"'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'retransmit','n':4,'at':" AT(01) ",'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'option_change','at':" AT(01) ",'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'reset_sent','reason':'no_socket','at':" AT(01) ","
	"'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'reset_sent','at':" AT(01) ",'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'reset_received','at':" AT(01) ",'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'error','errno':'EHOSTUNREACH','at':" AT(01) ","
	"'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'error','errno':'524','at':" AT(01) ",'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'state','from':'ESTABLISHED','to':'CLOSE_WAIT',"
	"'at':" AT(01) ",'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'lost','count':3,'at':" AT(01) ",'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'zero_window_probe','n':6,'at':" AT(01) ","
	"'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'superseded','by':{'cookie':'44'},"
	"'confidence':0.625,'at':" AT(01) ",'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'heartbeat','bytes':31,'gap_s':59.5,'at':" AT(01) ","
	"'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'send_failed','why':'dropped','at':" AT(01) ","
	"'mono_ns':'5'}",
	HEAD("event") "," PLAIN_SOCKET ",'event':'answer_dropped','at':" AT(01) ",'mono_ns':'5'}",
	HEAD("event") ",'event':'clock_step','step_ms':-1500,'at':" AT(01) ",'mono_ns':'6'}",

	HEAD("loss") ",'reason':'ring_full','count':9007199254740992,'from_at':" AT(01) ","
	"'to_at':" AT(02) "}",
	HEAD("loss") ",'reason':'senseless','count':3,'from_at':" AT(01) ",'to_at':" AT(02) "}",

	HEAD("meta") ",'version':'0.1','kernel':'6.18.44','hz':250,'all':true,'attach':['tcp_probe',"
	"'timer_expire_exit'],'sysctl':[{'netns':{'inode':4026531840,'cookie':'1','host_name':'h'},"
	"'idle_s':7200,'interval_s':75,'probes':9},{'netns':{'inode':5,'name':'pod-7'},'idle_s':-1,"
	"'interval_s':-2,'probes':255}],'waiting_for_data':4,'started_at':" AT(01) "}",
	HEAD("meta") ",'version':'','kernel':'','hz':1000,'all':false,'attach':[],'sysctl':[],"
	"'started_at':" AT(02) "}",
};

/* ---- read, and written again ---- */

static struct {
	struct json json;
	unsigned int timelines, events;
	int (*look_at)(const struct timeline *t);
} written;

static int write_meta(void *context, const struct meta *m)
{
	(void)context;
	timeline_json__write_meta(&written.json, 7, m);
	return 0;
}

static int write_timeline(void *context, const struct timeline *t)
{
	(void)context;
	written.timelines++;
	timeline_json__write_timeline(&written.json, 7, t);
	return written.look_at ? written.look_at(t) : 0;
}

static int write_event(void *context, const struct socket_event *e)
{
	(void)context;
	written.events++;
	timeline_json__write_event(&written.json, 7, e);
	return 0;
}

static int write_loss(void *context, const struct loss *l)
{
	(void)context;
	timeline_json__write_loss(&written.json, 7, l);
	return 0;
}

static int write_step(void *context, const struct clock_step *s)
{
	(void)context;
	timeline_json__write_clock_step(&written.json, 7, s);
	return 0;
}

static const struct sink writer = { .size = sizeof(writer), .meta = write_meta,
				    .event = write_event, .timeline = write_timeline,
				    .loss = write_loss, .clock_step = write_step };

static int begin(void **state)
{
	(void)state;
	memset(&written, 0, sizeof(written));
	return 0;
}

static int end(void **state)
{
	(void)state;
	json__free(&written.json);
	return 0;
}

/* `text` with the quotes of JSON; until the next call. */
static const char *quoted(const char *text)
{
	static char json[8192];
	size_t i;

	assert_true(strlen(text) < sizeof(json));
	for (i = 0; text[i]; i++)
		json[i] = text[i] == '\'' ? '"' : text[i];
	json[i] = '\0';
	return json;
}

static int read_into(const char *text, const struct sink *sink,
		     struct timeline_json_problem *problem)
{
	const char *json = quoted(text);

	return timeline_json__read(json, strlen(json), sink, problem);
}

/* The line that was written last; until the next is. */
static const char *written_line(void)
{
	size_t length = written.json.length;

	assert_true(length && written.json.text[length - 1] == '\n');
	written.json.text[length - 1] = '\0';
	written.json.length = 0;
	return written.json.text;
}

/* Read, `line` is what `expected` is written as. */
static void reads_as(const char *line, const char *expected)
{
	struct timeline_json_problem problem;

	if (read_into(line, &writer, &problem))
		fail_msg("%s: %s", line, problem.text);
	assert_int_equal(problem.column, 0);
	assert_string_equal(problem.text, "");
	assert_string_equal(written_line(), quoted(expected));
}

static void test_lines_are_written_as_they_were_read(void **state)
{
	unsigned int i;

	(void)state;
	reads_as(ended, ended);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		reads_as(lines[i], lines[i]);
	assert_int_equal(written.timelines, 3);
	assert_int_equal(written.events, 17);
}

static int look_at_ended(const struct timeline *t)
{
	assert_string_equal(t->origin.gateway, "gw-03");
	assert_string_equal(t->origin.boot_id, "boot");
	assert_string_equal(t->origin.run_id, "run");
	assert_int_equal(t->revision, 3);
	assert_true(t->final && t->partial && t->last_heard_is_lower_bound && t->half_closed);
	assert_true(t->socket.cookie == UINT64_MAX && t->socket.connection == 2);
	assert_true(t->socket.is_ipv6 && t->socket.mptcp && t->socket.owner.known);
	assert_int_equal(t->socket.netns.inode, 4026531840);
	assert_int_equal(t->socket.peer.port, 46786);
	assert_int_equal(t->keepalive.idle_from, OPTION_FROM_SYSCTL);
	assert_int_equal(t->keepalive.interval_from, OPTION_FROM_SOCKET);
	assert_int_equal(t->keepalive.probes_from, OPTION_FROM_POLICY);
	assert_true(t->keepalive.detects_within_s == 13.25);
	assert_int_equal(t->half_closed_at, NS(4));
	assert_int_equal(t->ended_at, NS(5));
	assert_int_equal(t->outcome, OUTCOME_KEEPALIVE_TIMEOUT);
	assert_int_equal(t->half_open.found_by, FOUND_BY_SUPERSEDED);
	assert_int_equal(t->half_open.declared_at, NS(10));
	assert_true(t->half_open.latency_ms.lower_bounds_known);
	assert_true(t->half_open.latency_ms.likely_min == 3072.25);
	assert_int_equal(t->counts.answers_dropped, 5);
	assert_int_equal(t->other_sender.data_ttl, 63);
	assert_int_equal(t->rtt.count, 1);
	assert_int_equal(t->heartbeat.replied, REPLY_ACKNOWLEDGED);
	assert_true(t->traffic.known && t->traffic.received_bytes == 1ULL << 53);
	assert_int_equal(t->gap_count, 2);
	assert_true(!t->gaps_survived[0].ended_by_us && t->gaps_survived[1].ended_by_us);
	assert_true(t->gap_lost && t->gap_lost_after_s == 50.5 && t->gap_lost_within_s == 61.2);
	assert_int_equal(t->episode_count, 2);
	assert_int_equal(t->episodes[1].kind, EPISODE_OF_SEVERAL);
	assert_int_equal(t->episodes[1].end, EPISODE_DIED);
	assert_int_equal(t->event_count, 5);
	assert_int_equal(t->events[1].why, FAILURE_LOCAL_CONGESTION);
	assert_int_equal(t->events[2].rtt.avg_us, 40000);
	assert_int_equal(t->events[3].rtt.count, 0);
	assert_int_equal(t->events[4].last_at, NS(20));
	assert_int_equal(t->detail, DETAIL_NONE);
	return -ENOSPC;
}

static void test_values_of_a_timeline(void **state)
{
	struct timeline_json_problem problem;

	(void)state;
	written.look_at = look_at_ended;
	assert_int_equal(read_into(ended, &writer, &problem), -ENOSPC);	/* the sink's own word */
	assert_int_equal(written.timelines, 1);
}

static int look_at_moved(const struct timeline *t)
{
	assert_int_equal(t->detail, DETAIL_MOVED);
	assert_int_equal(t->socket.connection, 1);
	assert_true(isinf(t->keepalive.detects_within_s) && isinf(t->keepalive.detects_within_max_s));
	assert_int_equal(t->heartbeat.replied, REPLY_NONE);
	assert_false(t->half_open.is || t->half_closed || t->gap_lost || t->socket.owner.known);
	return 0;
}

static int look_at_open(const struct timeline *t)
{
	assert_true(t->half_closed && !t->half_closed_at);
	assert_false(t->keepalive.known || t->final || t->traffic.known);
	assert_false(t->half_open.latency_ms.lower_bounds_known);
	assert_int_equal(t->heartbeat.replied, REPLY_UNKNOWN);
	assert_int_equal(t->verified_at, NS(2));
	return 0;
}

static void test_values_that_are_not_there(void **state)
{
	struct timeline_json_problem problem;

	(void)state;
	written.look_at = look_at_open;
	assert_int_equal(read_into(lines[0], &writer, &problem), 0);
	written.look_at = look_at_moved;
	assert_int_equal(read_into(lines[1], &writer, &problem), 0);
	assert_int_equal(written.timelines, 2);
}

/* ---- what is written, and never read ---- */

static const struct timeline_origin origin = { "gw-03", "boot", "run" };

static struct socket_now socket_now(void)
{
	return (struct socket_now){
		.origin = origin, .state = TCP_CLOSE_WAIT,
		.socket = { .cookie = 7, .connection = 1, .netns = { 1, 0, "", "" },
			    .local = { "192.0.2.1", 80 }, .peer = { "192.0.2.7", 999 },
			    .owner = { .comm = "" }, .device = "" },
		.last_heard_at = NS(1), .last_heard_is_lower_bound = true, .silent_s = 12.5,
		.unanswered = 2, .suspect = true, .next_probe_in_s = 0.25, .dies_in_s = INFINITY,
		.half_closed = true, .receive_window = 65535, .exposed = true,
		.dead_probability = 0.75, .why = "" };
}

static void test_a_socket_as_it_is_now(void **state)
{
	struct socket_now s = socket_now();

	(void)state;
	timeline_json__write_socket_now(&written.json, 7, &s);
	assert_string_equal(written_line(), quoted(HEAD("socket") "," PLAIN_SOCKET
		",'state':'CLOSE_WAIT','keepalive':null,'last_heard_at':" AT(01) ","
		"'last_heard_is_lower_bound':true,'silent_s':12.5,'unanswered':2,'suspect':true,"
		"'next_probe_in_s':0.25,'dies_in_s':null,'half_closed_at':null,"
		"'receive_window':65535,'exposed':true,'dead_probability':0.75}"));
	s.half_closed = s.last_heard_is_lower_bound = s.suspect = s.exposed = false;
	s.next_probe_in_s = INFINITY;
	s.dies_in_s = 3;
	s.dead_probability = NAN;
	s.why = "nothing is known";
	timeline_json__write_socket_now(&written.json, 7, &s);
	assert_string_equal(written_line(), quoted(HEAD("socket") "," PLAIN_SOCKET
		",'state':'CLOSE_WAIT','keepalive':null,'last_heard_at':" AT(01) ","
		"'silent_s':12.5,'unanswered':2,'suspect':false,'next_probe_in_s':null,"
		"'dies_in_s':3,'receive_window':65535,'exposed':false,'dead_probability':null,"
		"'why':'nothing is known'}"));
	s.no_owner = NOT_ACCEPTED;
	timeline_json__write_socket_now(&written.json, 7, &s);
	assert_non_null(strstr(written_line(), quoted("},'no_owner':'not_accepted','state':")));
	s.no_owner = OWNER_UNSEEN;
	timeline_json__write_socket_now(&written.json, 7, &s);
	assert_non_null(strstr(written_line(), quoted("},'no_owner':'unseen','state':")));
	s.no_owner = HAS_OWNER;
	s.faults = 1 << FAULT_PROBES_OFF | 1 << FAULT_CONNTRACK;
	timeline_json__write_socket_now(&written.json, 7, &s);
	assert_non_null(strstr(written_line(), quoted("'exposed':false,'to_mend':['probes_off',"
						      "'conntrack'],'dead")));
}

#define COUNTS(dead) "'sockets':1,'local':11,'with_keepalive':2,'suspect':3,'silent':{'over_s':60.5," \
	"'count':4},'surely_dead':{'count':" dead ",'because':'so'},'never_notice':6," \
	"'oldest_silence_s':7.5,'to_mend':{'close_wait':8,'window_closed':9,'probes_off':10," \
	"'address_gone':12,'conntrack':13,'ended':14}"

static void holds_last(const char *expected)
{
	const char *text = written_line();

	if (!strstr(text, quoted(expected)))
		fail_msg("%s: %s", expected, text);
}

static void test_sockets_counted(void **state)
{
	static const struct sockets_counts counts = {
		.sockets = 1, .local = 11, .with_keepalive = 2, .suspect = 3, .silent = 4, .surely_dead = 5,
		.never_notice = 6, .oldest_silence_s = 7.5, .to_mend = { 8, 9, 10, 12, 13, 14 } };
	struct sockets_group groups[] = {
		{ .program = "nginx", .port = 443, .netns = { 5, 0, "pod", "" }, .carrier = "m2m",
		  .counts = counts },
		{ .program = "", .netns = { 6, 0, "", "" }, .carrier = "", .counts = counts },
	};
	struct sockets_summary s = { .origin = origin, .at = NS(2), .namespaces = 3,
				     .silent_over_s = 60.5, .path_forgets_s = 300, .because = "so",
				     .total = counts, .groups = groups, .group_count = 2 };

	(void)state;
	timeline_json__write_sockets_summary(&written.json, 7, &s);
	assert_string_equal(written_line(), quoted(HEAD("summary") ",'at':" AT(02) ",'namespaces':3,"
		"'total':{" COUNTS("5") "},'groups':[{'program':'nginx','port':443,"
		"'netns':{'inode':5,'name':'pod'},'carrier':'m2m'," COUNTS("5") "},"
		"{'program':null,'netns':{'inode':6}," COUNTS("5") "}]}"));
	s.group_count = 0;
	s.path_forgets_s = 0;
	s.dead_by = DEAD_BY_HISTORY;
	s.total.path_known = 1;
	s.total.dead = (struct sockets_dead){ 2.5, 1, 4, 9 };
	timeline_json__write_sockets_summary(&written.json, 7, &s);
	holds_last("'surely_dead':{'count':5,'because':'silent for longer than their path remembers a "
		   "connection, by the history'},'estimated_dead':{'estimate':2.5,'low':1,'high':4,"
		   "'of':9,'by':'history'},");
	s.total.path_known = 0;
	s.total.dead = (struct sockets_dead){ INFINITY, INFINITY, INFINITY, 0 };
	timeline_json__write_sockets_summary(&written.json, 7, &s);
	holds_last("'surely_dead':{'count':null,'because':'so'},'estimated_dead':{'estimate':null,"
		   "'low':null,'high':null,'of':0,'by':'history'},");
	s.dead_by = DEAD_BY_PROBE;
	s.probed_at = NS(1);
	s.total.dead = (struct sockets_dead){ 2, 1, 4, 3 };
	timeline_json__write_sockets_summary(&written.json, 7, &s);
	holds_last("'estimated_dead':{'estimate':2,'low':1,'high':4,'of':3,'by':'probe'},");
	s.dead_by = DEAD_BY_NOTHING;
	timeline_json__write_sockets_summary(&written.json, 7, &s);
	assert_string_equal(written_line(), quoted(HEAD("summary") ",'at':" AT(02) ",'namespaces':3,"
		"'total':{" COUNTS("null") "},'groups':[]}"));
}

static struct reach_result reach_result(void)
{
	struct socket_now s = socket_now();

	return (struct reach_result){
		.origin = origin, .target = "scooter-17", .has_socket = true, .socket = s.socket,
		.answer = REACH_REACHABLE, .why = "", .last_heard_at = NS(1), .heard_s = 12.5,
		.was_asked = true, .asks = 1, .within_s = 2, .rtt_us = 40211, .probability = 1,
		.probability_before = 0.75, .probability_why = "" };
}

static void test_whether_a_peer_is_reachable(void **state)
{
	static const char *const changed[] = { "SO_REUSEADDR" };
	struct reach_result r = reach_result();

	(void)state;
	timeline_json__write_reach_result(&written.json, 7, &r);
	assert_string_equal(written_line(), quoted(HEAD("reach") ",'target':'scooter-17'," PLAIN_SOCKET
		",'answer':'reachable','last_heard_at':" AT(01) ",'heard_s':12.5,'asks':1,"
		"'within_s':2,'rtt_us':40211,'probability':1,'probability_before':0.75,"
		"'left_changed':[]}"));
	r.answer = REACH_SILENT;
	r.reset = true;
	r.probability = r.probability_before = NAN;
	r.probability_why = "so";
	r.left_changed = changed;
	r.left_changed_count = 1;
	timeline_json__write_reach_result(&written.json, 7, &r);
	assert_string_equal(written_line(), quoted(HEAD("reach") ",'target':'scooter-17'," PLAIN_SOCKET
		",'answer':'silent','last_heard_at':" AT(01) ",'heard_s':12.5,'asks':1,'within_s':2,"
		"'reset':true,'probability':null,'probability_before':null,'probability_why':'so',"
		"'left_changed':['SO_REUSEADDR']}"));
	r = (struct reach_result){ .origin = origin, .target = "x", .answer = REACH_UNKNOWN,
				   .why = "no such connection", .probability = NAN,
				   .probability_before = NAN, .probability_why = "so" };
	timeline_json__write_reach_result(&written.json, 7, &r);
	assert_string_equal(written_line(), quoted(HEAD("reach") ",'target':'x','answer':'unknown',"
		"'why':'no such connection','last_heard_at':null,'probability':null,"
		"'probability_before':null,'probability_why':'so','left_changed':[]}"));
}

/* ---- numbers that nothing can have: the nearest that something can ---- */

#define TIMELINE(more) "{'schema':'halfopen.timeline/1','gateway':'gw-03','boot_id':'boot'," \
	"'run_id':'run','socket':{'cookie':'7','netns':{'inode':1}},'outcome':'open'," more "}"

static void holds(const char *line, const char *expected)
{
	struct timeline_json_problem problem;
	const char *text;

	if (read_into(line, &writer, &problem))
		fail_msg("%s: %s", line, problem.text);
	text = written_line();
	if (!strstr(text, quoted(expected)))
		fail_msg("%s: %s", expected, text);
}

static void test_numbers_out_of_bounds(void **state)
{
	static const struct {
		const char *line, *expected;
	} numbers[] = {
		{ TIMELINE("'revision':-1"), "'revision':0," },
		{ TIMELINE("'revision':4294967296"), "'revision':4294967295," },
		{ TIMELINE("'revision':1e300"), "'revision':4294967295," },
		{ TIMELINE("'revision':'3'"), "'revision':0," },
		{ TIMELINE("'keepalive':{'idle_s':2147484,'interval_s':1e12,'probes':256,"
			   "'user_timeout_ms':2147483648,'rto_max_ms':4e9}"),
		  "'idle_s':2147483,'interval_s':2147483,'probes':255,'user_timeout_ms':2147483647,"
		  "'rto_max_ms':2147483647," },
		{ TIMELINE("'keepalive':{'probes':-3,'idle_s':-1}"),
		  "'idle_s':0,'interval_s':0,'probes':0,'user_timeout_ms':0,'from':{'idle':'socket',"
		  "'interval':'socket','probes':'socket'},'detects_within_s':null," },
		{ TIMELINE("'answered_by_another':{'count':1,'ttl':256,'data_ttl':300}"),
		  "'ttl':255,'data_ttl':255," },
		{ TIMELINE("'traffic':{'received_bytes':-1,'acked_bytes':1e300}"),
		  "'received_bytes':0,'received_segments':0,'acked_bytes':9007199254740992," },
		{ TIMELINE("'gaps':{'survived':[{'from_s':-5,'to_s':4e12}]}"),
		  "'from_s':0,'to_s':4000000000000,'count':0,'ended_by':'peer'" },
		{ TIMELINE("'half_open':{'latency_ms':{'max':0.001}}"), "'max':0.001}" },
		{ "{'schema':'halfopen.meta/1','run_id':'r','hz':1000,'sysctl':[{'netns':{},"
		  "'idle_s':-3000000,'interval_s':3000000,'probes':300}]}",
		  "'idle_s':-2147483,'interval_s':2147483,'probes':255" },
		{ "{'schema':'halfopen.meta/1','run_id':'r','waiting_for_data':1e17}",
		  "'waiting_for_data':9007199254740992," },
		{ "{'schema':'halfopen.event/1','event':'clock_step','step_ms':1e300}",
		  "'step_ms':9000000000000," },
		{ "{'schema':'halfopen.event/1','event':'clock_step','step_ms':-1e300}",
		  "'step_ms':-9000000000000," },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		holds(numbers[i].line, numbers[i].expected);
}

static int look_at_port(const struct timeline *t)
{
	assert_int_equal(t->socket.local.port, UINT16_MAX);
	assert_int_equal(strlen(t->socket.local.address), TIMELINE_ADDRESS_SIZE - 1);
	return 0;
}

static void test_ends_too_long_are_cut(void **state)
{
	struct timeline_json_problem problem;

	(void)state;
	written.look_at = look_at_port;
	assert_int_equal(read_into("{'schema':'halfopen.timeline/1','boot_id':'b','run_id':'r',"
				   "'socket':{'cookie':'7','netns':{'inode':1},'local':{'port':65536,"
				   "'address':'0123456789012345678901234567890123456789012345678901234"
				   "567890123456789'}},'outcome':'open'}", &writer, &problem), 0);
	assert_int_equal(written.timelines, 1);
}

/* Of programs' names that would fill a page what fits is kept. */
static void test_many_programs(void **state)
{
	static char line[12000], expected[64];
	struct timeline_json_problem problem;
	const char *text;
	char *at = line;
	unsigned int i;

	(void)state;
	at += sprintf(at, "{\"schema\":\"halfopen.meta/1\",\"run_id\":\"r\",\"attach\":[7");
	for (i = 0; i < 1000; i++)
		at += sprintf(at, ",\"name%04u\"", i);
	sprintf(at, "]}");
	assert_int_equal(timeline_json__read(line, strlen(line), &writer, &problem), 0);
	text = written_line();
	assert_non_null(strstr(text, "\"attach\":[\"name0000\",\"name0001\","));
	/* 4,095 bytes: 455 of nine, and none of the next but a blank */
	snprintf(expected, sizeof(expected), "\"name%04u\"]", 454);
	assert_non_null(strstr(text, expected));
}

/* ---- what is not known, and what is wrong ---- */

static void test_events_and_episodes_of_other_kinds(void **state)
{
	(void)state;
	holds(TIMELINE("'events':[{'event':'sung','at':7},{'event':'seen','at':" AT(01) ","
		       "'mono_ns':'x'},7],'episodes':[{'kind':'odd','end':'died'},"
		       "{'kind':'fin','end':'odd'},{'kind':'fin','end':'died'}]"),
	      "'episodes':[{'kind':'fin','first_unanswered_at':'1970-01-01T00:00:00.000000000Z',"
	      "'asks':0,'end':'died','ended_at':'1970-01-01T00:00:00.000000000Z'}],"
	      "'events':[{'event':'seen','at':" AT(01) ",'mono_ns':'0'}],'events_omitted':0}");
	holds(TIMELINE("'events':[{'event':'state','from':'ESTABLISHED','to':'NOWHERE','at':" AT(01)
		       "}]"), "'from':'ESTABLISHED','to':'UNKNOWN'");
	holds(TIMELINE("'half_open':{'found_by':'dowsing'}"), "'half_open':{'found_by':'',");
}

static void test_what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *line, *problem;
	} wrong[] = {
		{ TIMELINE("'first_seen_at':'x'"), "first_seen_at: expected a time" },
		{ TIMELINE("'ended_at':'x'"), "ended_at: " },
		{ TIMELINE("'verified_at':'x'"), "verified_at: " },
		{ TIMELINE("'last_heard_at':'x'"), "last_heard_at: " },
		{ TIMELINE("'last_acknowledged_at':'x'"), "last_acknowledged_at: " },
		{ TIMELINE("'half_closed_at':'x'"), "half_closed_at: " },
		{ TIMELINE("'half_open':{'last_heard_at':'x'}"), "last_heard_at: " },
		{ TIMELINE("'half_open':{'first_unanswered_at':'x'}"), "first_unanswered_at: " },
		{ TIMELINE("'half_open':{'last_unanswered_at':'x'}"), "last_unanswered_at: " },
		{ TIMELINE("'half_open':{'declared_at':'x'}"), "declared_at: " },
		{ TIMELINE("'half_open':{'superseded_by':{'at':'x'}}"), "at: " },
		{ TIMELINE("'episodes':[{'kind':'fin','end':'died','first_unanswered_at':'x'}]"),
		  "first_unanswered_at: " },
		{ TIMELINE("'episodes':[{'kind':'fin','end':'died','ended_at':'x'}]"),
		  "ended_at: " },
		{ TIMELINE("'events':[{'event':'seen','first_at':'x'}]"), "first_at: " },
		{ TIMELINE("'events':[{'event':'seen','last_at':'x'}]"), "last_at: " },
		{ "{'schema':'halfopen.timeline/1','run_id':'r','socket':{}}",
		  "boot_id: expected a string" },
		{ "{'schema':'halfopen.timeline/1','boot_id':'b','socket':{}}",
		  "run_id: expected a string" },
		{ "{'schema':'halfopen.timeline/1','boot_id':'b','run_id':'r','socket':{"
		  "'cookie':'7x'}}", "socket.cookie: expected a string of digits" },
		{ "{'schema':'halfopen.timeline/1','boot_id':'b','run_id':'r','socket':{"
		  "'cookie':'18446744073709551616'}}", "socket.cookie: " },
		{ "{'schema':'halfopen.timeline/1','boot_id':'b','run_id':'r','socket':{"
		  "'cookie':'7'}}", "socket.netns.inode: expected a number" },
		{ "{'schema':'halfopen.timeline/1','boot_id':'b','run_id':'r','socket':{"
		  "'cookie':'7','netns':{'inode':1,'cookie':' 1'}}}",
		  "netns.cookie: expected a string of digits" },
		{ "{'schema':'halfopen.event/1','socket':{'cookie':''}}", "socket.cookie: " },
		{ "{'schema':'halfopen.event/1','event':'seen','at':'x','socket':{'cookie':'7',"
		  "'netns':{'inode':1}}}", "at: " },
		{ "{'schema':'halfopen.event/1','event':'clock_step','at':'x'}", "at: " },
		{ "{'schema':'halfopen.loss/1','from_at':'x'}", "from_at: " },
		{ "{'schema':'halfopen.loss/1','to_at':'x'}", "to_at: " },
		{ "{'schema':'halfopen.meta/1','run_id':'r','started_at':'x'}", "started_at: " },
		{ "{'schema':'halfopen','run_id':'r'}", "schema: expected one of halfopen's" },
		{ "[]", "schema: " },
	};
	struct timeline_json_problem problem;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(read_into(wrong[i].line, &writer, &problem), -EBADMSG);
		if (strncmp(problem.text, wrong[i].problem, strlen(wrong[i].problem)))
			fail_msg("%s: %s", wrong[i].line, problem.text);
		assert_int_equal(problem.column, 0);
	}
	assert_int_equal(written.timelines + written.events, 0);
	assert_int_equal(read_into("{'schema':}", &writer, &problem), -EBADMSG);
	assert_int_equal(problem.column, 11);
	assert_non_null(strstr(problem.text, "expected a line of halfopen's JSON: "));
}

/* A sink that takes nothing is no reason to fail, and none to look at what it would not take. */
static void test_a_sink_that_takes_nothing(void **state)
{
	static const struct sink none = { .size = sizeof(none) };
	struct timeline_json_problem problem;
	unsigned int i;

	(void)state;
	assert_int_equal(read_into(ended, &none, &problem), 0);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(read_into(lines[i], &none, &problem), 0);
	assert_int_equal(read_into("{'schema':'halfopen.event/1'}", &none, &problem), 0);
	assert_int_equal(read_into("{'schema':'halfopen.advice/1'}", &none, &problem), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines_are_written_as_they_were_read),
		TEST(test_values_of_a_timeline),
		TEST(test_values_that_are_not_there),
		TEST(test_a_socket_as_it_is_now),
		TEST(test_sockets_counted),
		TEST(test_whether_a_peer_is_reachable),
		TEST(test_numbers_out_of_bounds),
		TEST(test_ends_too_long_are_cut),
		TEST(test_many_programs),
		TEST(test_events_and_episodes_of_other_kinds),
		TEST(test_what_is_wrong_is_named),
		TEST(test_a_sink_that_takes_nothing),
	};

	return cmocka_run_group_tests_name("timeline_json", tests, NULL, NULL);
}
