// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file/exit_code.h"
#include "kernel/support.h"
#include "pipeline/filter_names.h"
#include "pipeline/look_first.h"
#include "pipeline/look_value.h"
#include "pipeline/look_nothing.h"
#include "pipeline/look_summary.h"
#include "pipeline/top.h"
#include "screen/lane.h"
#include "screen/pages.h"
#include "screen/screen_lines.h"
#include "sys/clock.h"
#include "sys/full_screen.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "sys/service_port.h"
#include "sys/terminal.h"
#include "sys/terminal_rescue.h"
#include "timeline/timeline_json.h"
#include "value/keys.h"

/* So many sockets of the list can be reached; of others there are counts. */
#define LISTED 1000
#define NS_PER_S 1000000000ULL
#define DRAW_NS NS_PER_S
/* What comes within a walk, or in a burst, waits this long at most. */
#define SOON_NS 50000000ULL
/* Looks take a twentieth of a processor at most, and a tenth where suspicions and deaths keep
 * coming. */
#define PAUSES_BETWEEN 19
#define PAUSES_IF_CHANGED 9
#define MESSAGE_NS (10 * NS_PER_S)

/* One look, and what is kept of it. */
struct view_of_sockets {
	struct look look;
	struct look_first first;
	struct exposure_counts counts;
	struct look_socket shown; /* of the page of one socket, ... */
	bool has_shown;		  /* ... if it is open */
	uint64_t cookies[LISTED];
};

struct top {
	const struct top_options *options;
	struct watch watch; /* its core is NULL before there is a screen */
	struct watch_beside beside;
	struct look_iterators iterators;
	struct view_of_sockets *all; /* two: the one that is shown, and the next */
	unsigned int shown;
	struct filter *typed;	/* for the next look, which may be under way with the former one */
	bool has_typed;
	struct filter *narrowed; /* what was typed, within the command line's; NULL: nothing */
	struct view view;
	struct figures figures, paused;
	struct deaths deaths, deaths_later;	/* ... since a pause began */
	struct words timeline; /* of the page of one socket: a line of JSON; empty: none */
	uint64_t timeline_cookie;
	bool timeline_final;
	struct words ended; /* its final one, where it ended during a pause; empty: it did not */
	struct words nothing;		/* why nothing is listed */
	bool explained;			/* ... on standard error, too */
	bool started, was_paused, dirty, changed;
	uint64_t started_ns, drawn_ns, attended_ns;
	uint64_t looked_ns;    /* the end of the last look, ... */
	uint64_t look_took_ns; /* ... and the processor's time that it took */
	int64_t paused_at;
	double paused_since_s;
	char message[256];
	uint64_t message_ns;
};

static struct view_of_sockets *shown_of(struct top *t)
{
	return &t->all[t->shown];
}

static struct view_lines lines_of(struct top *t)
{
	return (struct view_lines){ shown_of(t)->cookies, shown_of(t)->first.places.count };
}

static struct view_lines lines_of_deaths(const struct top *t, uint64_t cookies[DEATHS_KEPT])
{
	size_t count = deaths__kept(&t->deaths), i;

	for (i = 0; i < count; i++)
		cookies[i] = deaths__at(&t->deaths, i)->cookie;
	return (struct view_lines){ cookies, count };
}

/* ---- what the engine tells ---- */

static void set(struct words *kept, const struct json *line)
{
	kept->length = 0;
	words__append(kept, line->text, line->length);
}

static void keep_timeline(void *context, const struct timeline *tl)
{
	struct top *t = context;
	struct json line = { 0 };

	timeline_json__write_timeline(&line, 0, tl);
	if (!line.failed)
		set(t->view.paused && tl->final ? &t->ended : &t->timeline, &line);
	json__free(&line);
	t->timeline_cookie = tl->socket.cookie;
	t->timeline_final = tl->final && !t->view.paused;
}

static int on_timeline(void *context, const struct timeline *tl)
{
	struct top *t = context;

	if (!tl->final)
		return 0;
	figures__add(&t->figures, tl);
	if (tl->half_open.is)
		deaths__add(t->view.paused ? &t->deaths_later : &t->deaths, tl);
	if (tl->socket.cookie == t->view.shown_cookie && !t->timeline_final)
		keep_timeline(t, tl);
	t->changed |= tl->half_open.is;
	return 0;
}

static int on_change(void *context, const struct change *change)
{
	struct top *t = context;

	t->changed |= change->kind == CHANGE_SUSPECT || change->kind == CHANGE_RECOVERED;
	return 0;
}

static int on_summary(void *context, const struct summary *s)
{
	struct top *t = context;

	if (s->kind != SUMMARY_FIRST)
		return 0;
	t->started = true;
	t->started_ns = clock__mono_ns();
	figures__take_totals(&t->figures, s, t->started_ns);
	return 0;
}

static struct sink sink_of(struct top *t)
{
	return (struct sink){ .size = sizeof(struct sink),
			      .context = t,
			      .timeline = on_timeline,
			      .change = on_change,
			      .summary = on_summary };
}

/* ---- looks ---- */

static bool attend(void *context, bool in_walk);

static int between(void *context)
{
	struct top *t = context;

	if (!t->watch.core)
		return 0;
	return t->view.wants_look || demands__are_to_end(&t->watch.demands) || attend(t, true) ? -ECANCELED : 0;
}

static bool take_socket(void *context, struct look *l, const struct look_socket *s)
{
	struct top *t = context;
	struct view_of_sockets *next = &t->all[!t->shown];
	struct exposure x = look__exposure(l, s);

	exposure_counts__add(&next->counts, &x);
	if (l->config.history && !x.ended)
		look_summary__add_chance(l, s, &x, &next->counts);
	if (s->row.event.cookie == t->view.shown_cookie) {
		next->shown = *s;
		next->has_shown = true;
	}
	return look_first__add(&next->first, l, s);
}

static void empty(struct view_of_sockets *v)
{
	look__free(&v->look);
	look_first__free(&v->first);
	v->counts = (struct exposure_counts){ 0 };
	v->has_shown = false;
}

static void show_next(struct top *t)
{
	struct view_of_sockets *next = &t->all[!t->shown];
	struct view_lines lines;
	size_t i;

	look_first__sort(&next->first);
	for (i = 0; i < next->first.places.count; i++)
		next->cookies[i] = look_first__at(&next->first, i)->row.event.cookie;
	t->shown = !t->shown;
	lines = lines_of(t);
	if (t->view.page != VIEW_DEATHS &&
	    !(t->view.page != VIEW_LIST && t->view.list_before == VIEW_DEATHS))
		view__follow(&t->view, &lines);
	t->dirty = true;
}

/* The one that was typed is in force from now on. */
static void change_filter(struct top *t)
{
	if (!t->has_typed)
		return;
	filter__free(t->narrowed);
	t->narrowed = t->typed;
	t->typed = NULL;
	t->has_typed = t->explained = false;
}

static void take_message(struct top *t, uint64_t now)
{
	static const char ours[] = "halfopen: ";
	char line[sizeof(t->message)];

	terminal_rescue__take_message(line, sizeof(line));
	if (*line) {
		snprintf(t->message, sizeof(t->message), "%s",
			 strncmp(line, ours, sizeof(ours) - 1) ? line : line + sizeof(ours) - 1);
		t->message_ns = now;
	}
	if (now > t->message_ns + MESSAGE_NS)
		t->message[0] = '\0';
}

/* Not of what is half typed, why nothing is listed, as long as nothing is, and once for the time
 * after the screen; while the filter that the look points to is there. */
static void explain_nothing(struct top *t)
{
	const struct look *l = &shown_of(t)->look;
	char passed[sizeof(t->message)];

	words__free(&t->nothing);
	if (t->view.typed.open)
		return;
	look_nothing__add(&t->nothing, l);
	if (!t->watch.core)
		return;
	if (!l->count && !t->explained) {
		take_message(t, clock__mono_ns());	/* what came before keeps the last line */
		look_nothing__explain(l);
		terminal_rescue__take_message(passed, sizeof(passed));
	}
	t->explained = !l->count;
}

static int take_look(struct top *t)
{
	struct view_of_sockets *next = &t->all[!t->shown];
	struct look_config config = { .rules = t->options->rules,
				      .take = take_socket,
				      .timers = true,
				      .between = between,
				      .context = t,
				      .iterators = &t->iterators };
	uint64_t begin = clock__own_cpu_ns();
	int err;

	change_filter(t);
	config.history = t->options->history;
	config.filter = t->narrowed ?: t->options->filter;
	if (t->watch.core && t->options->identities)
		config.devices = core__identities(t->watch.core);
	empty(next);
	next->first.places.most = LISTED;
	look_key__named(view_orders[t->view.order].name, &next->first.key);
	t->changed = false;
	t->view.wants_look = false;
	err = look__take(&next->look, &config);
	if (!err) {
		show_next(t);
		explain_nothing(t);
	}
	t->looked_ns = clock__mono_ns();
	t->look_took_ns = clock__own_cpu_ns() - begin;
	return err == -ECANCELED ? 0 : err;
}

static bool is_look_due(const struct top *t, uint64_t now)
{
	uint64_t since = now - t->looked_ns;

	if (t->view.wants_look)
		return true;
	if (t->view.paused)
		return false;
	if (t->changed && since > SOON_NS && since > PAUSES_IF_CHANGED * t->look_took_ns)
		return true;
	return since > t->options->delay_ns && since > PAUSES_BETWEEN * t->look_took_ns;
}

/* ---- FILTER as it is typed ---- */

static void take_typed(struct top *t)
{
	struct view_typed *typed = &t->view.typed;
	const char *outer = t->options->filter_text;
	struct filter *narrowed = NULL;
	struct filter_error error;
	char *both = NULL;

	typed->changed = false;
	typed->mistake[0] = '\0';
	if (typed->text[strspn(typed->text, " ")]) {
		narrowed = filter__parse(typed->text, service_port__find, &error);
		if (!narrowed) {
			snprintf(typed->mistake, sizeof(typed->mistake), "column %u: %s",
				 error.column, error.text);
			return;
		}
		if (outer && asprintf(&both, "(%s) and (%s)", outer, typed->text) > 0) {
			filter__free(narrowed);
			narrowed = filter__parse(both, service_port__find, &error);
		}
		free(both);
	}
	filter__free(t->typed);
	t->typed = narrowed;
	t->has_typed = t->view.wants_look = true;
}

/* ---- drawing ---- */

static double since_s(const struct top *t)
{
	return t->started ? (clock__mono_ns() - t->started_ns) / 1e9 : -1;
}

static void begin_or_end_pause(struct top *t)
{
	if (t->view.paused == t->was_paused)
		return;
	t->was_paused = t->view.paused;
	deaths__move(&t->deaths, &t->deaths_later);
	if (t->ended.length && t->timeline_cookie == t->view.shown_cookie) {
		t->timeline.length = 0;
		words__append(&t->timeline, t->ended.text, t->ended.length);
		t->timeline_final = true;
	}
	t->ended.length = 0;
	t->paused = t->figures;
	t->paused_since_s = since_s(t);
	t->paused_at = clock__mono_ns() + clock__realtime_offset_ns();
}

static void add_list(struct top *t, struct words *page)
{
	struct view_of_sockets *v = shown_of(t);
	size_t room = view__room(&t->view), count = 0;
	struct socket_now *rows = calloc(room + 1, sizeof(*rows));

	for (; rows && count < room && t->view.top + count < v->first.places.count; count++)
		rows[count] = look__value(&v->look, look_first__at(&v->first, t->view.top + count));
	if (rows)
		page__add_list(page, &t->view, rows, count,
			       t->nothing.text && !t->nothing.failed ? t->nothing.text : "");
	page->failed |= !rows;
	free(rows);
}

/* As a sink, which is given the timeline that was kept. */
struct lane_page {
	struct top *top;
	struct words *text;
};

static int on_kept_timeline(void *context, const struct timeline *tl)
{
	struct lane_page *p = context;
	struct view_of_sockets *v = shown_of(p->top);
	int64_t now_at = p->top->view.paused
				 ? p->top->paused_at
				 : (int64_t)clock__mono_ns() + clock__realtime_offset_ns();
	struct socket_now now;

	if (v->has_shown)
		now = look__value(&v->look, &v->shown);
	lane__add(p->text, p->top->view.columns, tl, v->has_shown ? &now : NULL, now_at);
	return 0;
}

/* Another socket is to be shown: its row, as it is on the list. */
static void find_shown(struct top *t)
{
	struct view_of_sockets *v = shown_of(t);
	size_t i;

	for (i = 0; i < v->first.places.count; i++)
		if (v->cookies[i] == t->view.shown_cookie)
			v->shown = *look_first__at(&v->first, i);
	v->has_shown = v->shown.row.event.cookie == t->view.shown_cookie;
}

/* Its timeline as it is now, or as it was at its end. */
static void refresh_timeline(struct top *t)
{
	const struct death *death;

	if (t->timeline_cookie != t->view.shown_cookie) {
		find_shown(t);
		t->timeline.length = 0;
		t->timeline_final = false;
		t->timeline_cookie = t->view.shown_cookie;
	} else if (t->view.paused || t->timeline_final) {
		return;
	}
	if (core__show(t->watch.core, t->view.shown_cookie, keep_timeline, t))
		return;
	death = deaths__find(&t->deaths, t->view.shown_cookie);
	if (!death)
		return;
	set(&t->timeline, &death->timeline);
	t->timeline_final = true;
}

static void add_socket(struct top *t, struct words *page)
{
	struct words text = { 0 };
	struct lane_page p = { t, &text };
	const struct sink sink = { .size = sizeof(sink),
				   .context = &p,
				   .timeline = on_kept_timeline };
	struct timeline_json_problem problem;

	refresh_timeline(t);
	if (t->timeline.length && !t->timeline.failed)
		timeline_json__read(t->timeline.text, t->timeline.length, &sink, &problem);
	else
		on_kept_timeline(&p, NULL);
	page__add_scrolled(page, &t->view, &text);
	page->failed |= text.failed;
	words__free(&text);
}

static void add_body(struct top *t, struct words *page)
{
	uint64_t cookies[DEATHS_KEPT];
	struct view_lines lines;

	switch (t->view.page) {
	case VIEW_LIST:
		add_list(t, page);
		break;
	case VIEW_DEATHS:
		lines = lines_of_deaths(t, cookies);
		view__follow(&t->view, &lines);
		page__add_deaths(page, &t->view, &t->deaths);
		break;
	case VIEW_SOCKET:
		add_socket(t, page);
		break;
	case VIEW_HELP:
		page__add_help(page, &t->view);
		break;
	}
}

static struct sockets_summary counts_now(struct top *t)
{
	const struct view_of_sockets *v = shown_of(t);

	return (struct sockets_summary){ .at = t->looked_ns + v->look.wall_ns,
					 .silent_over_s = t->options->rules.long_ns / 1e9,
					 .path_forgets_s = t->options->rules.path_ns / 1e9,
					 .dead_by = t->options->history ? DEAD_BY_HISTORY
									: DEAD_BY_NOTHING,
					 .total = look_summary__counts(&v->look, &v->counts) };
}

static void draw(struct top *t, uint64_t now)
{
	struct sockets_summary counts = counts_now(t);
	struct page_state state = { .now = &counts,
				    .since = t->view.paused ? &t->paused : &t->figures,
				    .since_s = t->view.paused ? t->paused_since_s : since_s(t),
				    .counted = &t->figures,
				    .paused_at = t->paused_at,
				    .message = t->message,
				    .filter = t->options->filter_text ?: "",
				    .narrowed = t->narrowed,
				    .listed = shown_of(t)->first.places.count };
	struct words page = { 0 }, cut = { 0 };

	t->view.rows = full_screen__rows();
	t->view.columns = full_screen__columns();
	take_message(t, now);
	t->view.last_lines = page__last_lines(&t->view, &state);
	page__add_header(&page, &t->view, &state);
	add_body(t, &page);
	page__add_last_line(&page, &t->view, &state);
	if (!page.failed)
		screen_lines__cut(&cut, page.text, t->view.columns);
	if (!page.failed && !cut.failed)
		full_screen__show(cut.text);
	words__free(&page);
	words__free(&cut);
	t->drawn_ns = now;
	t->dirty = false;
}

/* ---- keys, and time ---- */

static void give_key(struct top *t, int key)
{
	uint64_t cookies[DEATHS_KEPT];
	struct view_lines lines =
		t->view.page == VIEW_DEATHS ? lines_of_deaths(t, cookies) : lines_of(t);

	view__key(&t->view, key, &lines);
}

/* Returns false where there is no terminal any more. */
static bool take_keys(struct top *t)
{
	int key;

	while ((key = full_screen__key()) >= 0) {
		give_key(t, key);
		begin_or_end_pause(t);
		if (t->view.typed.changed)
			take_typed(t);
		t->dirty = true;
	}
	return key != KEYS_GONE;
}

static bool attend(void *context, bool in_walk)
{
	struct top *t = context;
	uint64_t now = clock__mono_ns();
	struct summary totals;

	if (in_walk && now - t->attended_ns < SOON_NS)
		return t->view.quit;
	t->attended_ns = now;
	if (!take_keys(t) || t->view.quit)
		return t->view.quit = true;
	if (t->started) {
		totals = core__totals(t->watch.core);
		figures__take_totals(&t->figures, &totals, now);
	}
	if (t->dirty)
		draw(t, now);
	if (!in_walk && is_look_due(t, now) && take_look(t))
		t->looked_ns = now; /* the list stays as it was: what failed is on the last line */
	if (t->dirty || now - t->drawn_ns >= DRAW_NS)
		draw(t, now);
	return t->view.quit;
}

/* ---- the whole ---- */

static int watch(struct top *t)
{
	const struct top_options *o = t->options;
	struct sink sink = sink_of(t);
	struct watch *w = &t->watch;
	int code;

	*w = (struct watch){ .options = { .for_ns = o->for_ns,
					  .idle_gap_ns = WATCH_IDLE_GAP_NS,
					  .identities = o->identities,
					  .filter = o->filter,
					  .core = { .suspect_after = o->rules.suspect_after,
						    .filter = o->filter } },
			     .output.fd = -1 };
	t->beside = (struct watch_beside){ full_screen__fd(), attend, t };
	w->beside = &t->beside;
	code = watch__make_core(w, &sink);
	draw(t, clock__mono_ns());
	if (code == EXIT_DONE)
		code = watch__kernel(w);
	full_screen__close();
	core__free(w->core);
	if (w->holds_signals)
		demands__close(&w->demands);
	return code;
}

static bool shows_colours(enum colour colour)
{
	return colour == COLOUR_ALWAYS ||
	       (colour == COLOUR_AUTO && terminal__shows_colours(STDOUT_FILENO));
}

/* Signals that end a watch wait until it takes them: the terminal is to be given back. */
static void hold_ends(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);
}

static int run(struct top *t)
{
	int err = look_iterators__load(&t->iterators), code;

	if (!err)
		err = take_look(t);
	if (err)
		return err == -EPERM || err == -EACCES ? EXIT_NOT_PERMITTED : EXIT_FAILED;
	hold_ends();
	code = full_screen__open(shows_colours(t->options->colour)) ? EXIT_FAILED : watch(t);
	return code;
}

int top__run(const struct top_options *options)
{
	struct top *t = calloc(1, sizeof(*t));
	int code = EXIT_FAILED;

	if (t)
		t->all = calloc(2, sizeof(*t->all));
	if (t && t->all) {
		t->options = options;
		t->view.order = view_order__named(options->order);
		if (filter_names__may_be_looked_for(options->filter))
			code = run(t);
		else
			code = EXIT_NOT_PERMITTED;
		look_iterators__unload(&t->iterators);
		empty(&t->all[0]);
		empty(&t->all[1]);
		filter__free(t->narrowed);
		filter__free(t->typed);
		deaths__free(&t->deaths);
		deaths__free(&t->deaths_later);
		words__free(&t->timeline);
		words__free(&t->nothing);
		words__free(&t->ended);
		free(t->all);
	} else {
		log_error("%s", reason__of(ENOMEM));
	}
	free(t);
	return code;
}
