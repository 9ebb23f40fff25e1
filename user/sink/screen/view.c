// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "screen/view.h"
#include "value/keys.h"
#include "value/utf8.h"

const struct view_order view_orders[VIEW_ORDERS] = {
	{ 's', "suspect", "suspects, then the longest silent" },
	{ 'i', "silent", "the longest silent" },
	{ 'a', "unanswered", "most asks unanswered" },
	{ 'd', "dies", "given up soonest" },
	{ 'n', "next", "asked next" },
	{ 't', "notices", "notices a dead peer last" },
	{ 'r', "peer", "peer" },
	{ 'l', "local", "local port" },
	{ 'o', "owner", "owner" },
	{ 'e', "state", "state" },
	{ 'y', "dead", "most likely dead (--history)" },
};

unsigned int view_order__named(const char *name)
{
	unsigned int i;

	for (i = 0; i < VIEW_ORDERS; i++)
		if (!strcmp(view_orders[i].name, name))
			return i;
	return 0;
}

/* ---- room ---- */

unsigned int view__header_lines(const struct view *v)
{
	if (v->rows >= VIEW_HEADER_LINES + 6)
		return VIEW_HEADER_LINES;
	return v->rows > 6 ? v->rows - 6 : v->rows > 3;
}

unsigned int view__room(const struct view *v)
{
	unsigned int others = view__header_lines(v) + (v->last_lines ?: 1);

	return v->rows > others ? v->rows - others : 0;
}

/* Of a list one line is its head. */
static size_t page_of_lines(const struct view *v)
{
	return view__room(v) > 1 ? view__room(v) - 1 : 1;
}

/* ---- the list ---- */

static void keep_in_sight(struct view *v, size_t count)
{
	size_t room = page_of_lines(v);

	if (v->chosen >= count)
		v->chosen = count ? count - 1 : 0;
	if (v->chosen < v->top)
		v->top = v->chosen;
	if (v->chosen >= v->top + room)
		v->top = v->chosen - room + 1;
	if (v->top + room > count)
		v->top = count > room ? count - room : 0;
}

static void choose(struct view *v, size_t line, const struct view_lines *lines)
{
	v->chosen = line;
	keep_in_sight(v, lines->count);
	v->chosen_cookie = v->chosen && lines->count ? lines->cookies[v->chosen] : 0;
}

void view__follow(struct view *v, const struct view_lines *lines)
{
	size_t i;

	for (i = 0; v->chosen_cookie && i < lines->count; i++)
		if (lines->cookies[i] == v->chosen_cookie)
			v->chosen = i;
	keep_in_sight(v, lines->count);
}

static void change_order(struct view *v, unsigned int order, const struct view_lines *lines)
{
	v->order = order % VIEW_ORDERS;
	v->wants_look = true;
	choose(v, 0, lines);
}

/* Where a key moves to, from here; the lines number `count`. */
static bool moved(int key, size_t here, size_t page, size_t count, size_t *to)
{
	size_t last = count ? count - 1 : 0;

	switch (key) {
	case KEYS_UP:
	case 'k':
		*to = here ? here - 1 : 0;
		return true;
	case KEYS_DOWN:
	case 'j':
		*to = here < last ? here + 1 : last;
		return true;
	case KEYS_PAGE_UP:
		*to = here > page ? here - page : 0;
		return true;
	case KEYS_PAGE_DOWN:
		*to = last > here && last - here > page ? here + page : last;
		return true;
	case KEYS_HOME:
	case 'g':
		*to = 0;
		return true;
	case KEYS_END:
	case 'G':
		*to = last;
		return true;
	default:
		return false;
	}
}

static bool is_list(enum view_page page)
{
	return page == VIEW_LIST || page == VIEW_DEATHS;
}

static void open_page(struct view *v, enum view_page page)
{
	if (is_list(v->page))
		v->list_before = v->page;
	if (page == VIEW_HELP)
		v->help_over = v->page;
	v->page = page;
	v->scrolled = 0;
	v->scrolled_most = 0;
}

static void open_socket(struct view *v, const struct view_lines *lines)
{
	if (v->chosen >= lines->count)
		return;
	v->chosen_cookie = v->shown_cookie = lines->cookies[v->chosen];
	open_page(v, VIEW_SOCKET);
}

static void key_of_list(struct view *v, int key, const struct view_lines *lines)
{
	unsigned int i;
	size_t to;

	if (moved(key, v->chosen, page_of_lines(v), lines->count, &to)) {
		choose(v, to, lines);
		return;
	}
	if (key == KEYS_ENTER)
		open_socket(v, lines);
	if (v->page != VIEW_LIST)
		return;
	if (key == '>' || key == KEYS_RIGHT)
		change_order(v, v->order + 1, lines);
	if (key == '<' || key == KEYS_LEFT)
		change_order(v, v->order + VIEW_ORDERS - 1, lines);
	for (i = 0; i < VIEW_ORDERS; i++)
		if (key == view_orders[i].key)
			change_order(v, i, lines);
}

/* ---- other pages ---- */

static void close_page(struct view *v)
{
	open_page(v, v->page == VIEW_HELP ? v->help_over : v->list_before);
}

static void key_of_page(struct view *v, int key)
{
	size_t to;

	if (key == KEYS_ESCAPE || key == KEYS_ENTER || key == KEYS_BACKSPACE || key == KEYS_LEFT)
		close_page(v);
	else if (moved(key, v->scrolled, view__room(v), v->scrolled_most + 1, &to))
		v->scrolled = to;
}

/* ---- FILTER ---- */

static void open_typed(struct view *v)
{
	if (!is_list(v->page))
		open_page(v, v->list_before);
	v->typed.open = true;
	memcpy(v->typed.before, v->typed.text, sizeof(v->typed.before));
}

/* The last character, of one byte or several. */
static void erase_character(char *text)
{
	size_t length = strlen(text);

	while (length && (text[length - 1] & 0xc0) == 0x80)
		length--;
	text[length ? length - 1 : 0] = '\0';
}

static void add_character(char *text, unsigned int c)
{
	char bytes[5] = "";

	utf8__encode(c, bytes);
	if (strlen(text) + strlen(bytes) < VIEW_TYPED)
		strcat(text, bytes);
}

static void key_of_typed(struct view_typed *t, int key)
{
	switch (key) {
	case KEYS_ENTER:
		t->open = *t->mistake; /* there is something to mend, or to leave by Escape */
		return;
	case KEYS_ESCAPE:
		t->open = false;
		memcpy(t->text, t->before, sizeof(t->text));
		break;
	case KEYS_BACKSPACE:
		erase_character(t->text);
		break;
	case KEYS_CLEAR:
		t->text[0] = '\0';
		break;
	default:
		if (key < ' ' || key >= KEYS_UP)
			return;
		add_character(t->text, key);
	}
	t->changed = true;
}

/* ---- any ---- */

static void change_list(struct view *v)
{
	open_page(v, v->page == VIEW_DEATHS ? VIEW_LIST : VIEW_DEATHS);
	v->chosen = v->top = v->chosen_cookie = 0;
}

static bool key_of_all(struct view *v, int key)
{
	switch (key) {
	case 'q':
		if (v->page == VIEW_LIST)
			v->quit = true;
		else if (v->page == VIEW_DEATHS)
			change_list(v);
		else
			close_page(v);
		return true;
	case 'p':
	case ' ':
		v->paused = !v->paused;
		v->wants_look |= !v->paused;
		return true;
	case '/':
		open_typed(v);
		return true;
	case 'h':
	case '?':
		if (v->page != VIEW_HELP)
			open_page(v, VIEW_HELP);
		else
			close_page(v);
		return true;
	default:
		return false;
	}
}

void view__key(struct view *v, int key, const struct view_lines *lines)
{
	if (v->typed.open)
		key_of_typed(&v->typed, key);
	else if (key_of_all(v, key))
		return;
	else if (!is_list(v->page))
		key_of_page(v, key);
	else if (key == 'x')
		change_list(v);
	else
		key_of_list(v, key, lines);
}
