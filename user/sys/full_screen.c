// SPDX-License-Identifier: GPL-2.0
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "sys/full_screen.h"
#include "sys/log.h"
#include "sys/terminal_output.h"
#include "sys/terminal_rescue.h"
#include "value/keys.h"
#include "value/text_style.h"

/* A terminal that stands still gets so long to take the last bytes. */
#define LAST_BYTES_MS 1000

/* ncurses has one screen at a time, too. */
static struct {
	SCREEN *screen;
	FILE *in;  /* standard input, or the terminal itself */
	FILE *out; /* what ncurses writes to: a file in memory, once it knows the terminal */
	struct termios modes; /* while it is taken */
	int signals, epoll;
	bool gone;
	attr_t styles[STYLE_LAST + 1];
	short pairs[STYLE_LAST + 1];
} full;

/* ---- size ---- */

static struct winsize size_now(void)
{
	struct winsize size = { .ws_row = 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col) {
		size.ws_row = 24;
		size.ws_col = 80;
	}
	return size;
}

unsigned int full_screen__rows(void)
{
	return full.screen ? (unsigned int)LINES : size_now().ws_row;
}

unsigned int full_screen__columns(void)
{
	return full.screen ? (unsigned int)COLS : size_now().ws_col;
}

static void take_size(void)
{
	struct winsize size = size_now();

	resizeterm(size.ws_row, size.ws_col);
	clearok(curscr, TRUE);
}

/* ---- opening ---- */

#define SET_TERM "set TERM (TERM=xterm suits most terminals), or use 'halfopen sockets'"

const char *full_screen__refused(void)
{
	const char *term = getenv("TERM");
	int found;

	if (!isatty(STDOUT_FILENO))
		return "standard output is no terminal: 'halfopen sockets' lists the same once, "
		       "'halfopen watch' writes what happens as it happens";
	if (!term || !*term)
		return "TERM is not set, so how to move on this terminal is not known: " SET_TERM;
	if (setupterm(NULL, STDOUT_FILENO, &found) == ERR && found < 0)
		return "no terminfo database is installed (Debian: ncurses-base): use 'halfopen "
		       "sockets'";
	if (!cur_term)
		return "this host has no terminfo entry for this TERM that says how to move on the "
		       "terminal: install ncurses-term, " SET_TERM;
	if (!cursor_address || !clear_screen)
		return "on a terminal of this TERM the cursor cannot be moved: " SET_TERM;
	return NULL;
}

static struct rescue_config *collecting;

static int collect(int c)
{
	if (collecting->length < sizeof(collecting->sequence))
		collecting->sequence[collecting->length++] = c;
	return c;
}

/* What leaves full screen: the styles, the keypad, the cursor, and the alternate screen. Where
 * there is none, the cursor goes below what is shown. */
static struct rescue_config way_back(int out)
{
	struct rescue_config config = { .in = fileno(full.in), .out = out };
	const char *const parts[] = { exit_attribute_mode, orig_pair, keypad_local, cursor_normal,
				      exit_ca_mode };
	unsigned int i;

	collecting = &config;
	if (!exit_ca_mode) {
		tputs(tparm(cursor_address, full_screen__rows() - 1, 0, 0, 0, 0, 0, 0, 0, 0), 1,
		      collect);
		collect('\n');
	}
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i])
			tputs(parts[i], 1, collect);
	return config;
}

static void choose_styles(bool colours)
{
	const struct {
		char style;
		attr_t attribute;
		short colour;
	} looks[] = { { *STYLE_HEAD, A_REVERSE, -1 },
		      { *STYLE_ALARM, A_BOLD, COLOR_RED },
		      { *STYLE_WARNING, A_NORMAL, COLOR_YELLOW },
		      { *STYLE_GOOD, A_NORMAL, COLOR_GREEN },
		      { *STYLE_STRONG, A_BOLD, -1 } };
	unsigned int i;

	colours = colours && has_colors() && start_color() == OK && use_default_colors() == OK;
	for (i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		full.styles[(int)looks[i].style] = looks[i].attribute;
		if (!colours || looks[i].colour < 0)
			continue;
		init_pair(looks[i].style, looks[i].colour, -1);
		full.pairs[(int)looks[i].style] = (unsigned char)looks[i].style;
	}
}

static int open_signals(void)
{
	struct epoll_event key = { .events = EPOLLIN, .data.fd = fileno(full.in) };
	struct epoll_event on_signal = { .events = EPOLLIN };
	sigset_t taken;

	sigemptyset(&taken);
	sigaddset(&taken, SIGWINCH);
	sigaddset(&taken, SIGTSTP);
	sigaddset(&taken, SIGCONT);
	sigprocmask(SIG_BLOCK, &taken, NULL);
	full.signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	full.epoll = epoll_create1(EPOLL_CLOEXEC);
	on_signal.data.fd = full.signals;
	return full.signals < 0 || full.epoll < 0 ||
			       epoll_ctl(full.epoll, EPOLL_CTL_ADD, fileno(full.in), &key) ||
			       epoll_ctl(full.epoll, EPOLL_CTL_ADD, full.signals, &on_signal)
		       ? -errno
		       : 0;
}

/* Keys may come from elsewhere than standard input (a pipe, /dev/null). */
static FILE *open_keys(void)
{
	return isatty(STDIN_FILENO) ? stdin : fopen("/dev/tty", "r+e");
}

static void begin_modes(bool colours)
{
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(200);
	curs_set(0);
	choose_styles(colours);
}

/* ncurses finds a terminal, whose modes it sets; from then on it writes to a file in memory, so
 * that it never has to wait. */
static int begin_ncurses(bool colours)
{
	int memory = memfd_create("screen", MFD_CLOEXEC);
	int terminal = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	full.out = terminal < 0 ? NULL : fdopen(terminal, "w");
	if (memory < 0 || !full.out)
		return -errno;
	full.screen = newterm(NULL, full.out, full.in);
	if (!full.screen)
		return -ENOTTY;
	begin_modes(colours);
	signal(SIGTSTP, SIG_DFL);	/* instead of its own */
	if (tcgetattr(fileno(full.in), &full.modes) || dup3(memory, terminal, O_CLOEXEC) < 0)
		return -errno;
	close(memory);
	take_size(); /* the environment (COLUMNS) may say otherwise */
	return 0;
}

static int take_terminal(bool colours)
{
	int out = terminal_output__open(STDOUT_FILENO), err;
	struct rescue_config back;

	if (out < 0)
		return out;
	back = way_back(out);
	err = open_signals();
	if (!err)
		err = terminal_rescue__begin(&back);
	if (err)
		return err;
	terminal_rescue__take();
	err = begin_ncurses(colours);
	if (err)
		terminal_rescue__end();
	return err;
}

int full_screen__open(bool colours)
{
	int err;

	full.in = open_keys();
	if (!full.in) {
		err = -errno;
		log_error("/dev/tty: %s: keys can be read from a terminal only", strerror(-err));
		return err;
	}
	err = take_terminal(colours);
	if (err)
		log_error("the terminal cannot be used: %s", strerror(-err));
	return err;
}

/* What ncurses would write at its end is among what gives the terminal back. */
static void leave(void)
{
	terminal_output__end(LAST_BYTES_MS);
	endwin();
	if (!ftruncate(fileno(full.out), 0))
		lseek(fileno(full.out), 0, SEEK_SET);
	terminal_rescue__give_back();
}

void full_screen__close(void)
{
	if (!full.screen)
		return;
	leave();
	terminal_rescue__end();
	terminal_output__close();
	delscreen(full.screen);
	full.screen = NULL;
	fclose(full.out);
	close(full.epoll);
	close(full.signals);
	if (full.in != stdin)
		fclose(full.in);
}

/* ---- ^Z ---- */

/* What ncurses has in mind, as far as the terminal takes it. */
static void draw(void)
{
	refresh();
	terminal_output__move(fileno(full.out));
	terminal_output__flush();
}

static void come_back(void)
{
	terminal_rescue__take();
	tcsetattr(fileno(full.in), TCSADRAIN, &full.modes);
	take_size();
	curs_set(0);
	draw();
}

/* Stops, as the shell wishes, with the terminal as it was. Where no shell could let us go on (`ssh -t
 * HOST halfopen top`), the kernel does not stop us (the process group is an orphan). */
static void stop(void)
{
	sigset_t stops;

	sigemptyset(&stops);
	sigaddset(&stops, SIGTSTP);
	leave();
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &stops, NULL);
	sigprocmask(SIG_BLOCK, &stops, NULL);
	come_back();
}

static void take_signals(void)
{
	struct signalfd_siginfo info;

	while (read(full.signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGTSTP)
			stop();
		else if (info.ssi_signo == SIGCONT)
			come_back();
		else
			take_size();
	}
}

/* ---- keys ---- */

int full_screen__fd(void)
{
	return full.epoll;
}

static bool is_gone(void)
{
	struct pollfd in = { .fd = fileno(full.in), .events = POLLIN };

	return poll(&in, 1, 0) > 0 && in.revents & (POLLHUP | POLLERR | POLLNVAL);
}

static int of_curses(wint_t code)
{
	static const struct {
		int curses, ours;
	} keys[] = {
		{ KEY_UP, KEYS_UP },	     { KEY_DOWN, KEYS_DOWN },
		{ KEY_PPAGE, KEYS_PAGE_UP }, { KEY_NPAGE, KEYS_PAGE_DOWN },
		{ KEY_HOME, KEYS_HOME },     { KEY_END, KEYS_END },
		{ KEY_LEFT, KEYS_LEFT },     { KEY_RIGHT, KEYS_RIGHT },
		{ KEY_ENTER, KEYS_ENTER },   { KEY_BACKSPACE, KEYS_BACKSPACE },
	};
	unsigned int i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if ((int)code == keys[i].curses)
			return keys[i].ours;
	return 0; /* a key without meaning */
}

static int of_character(wint_t c)
{
	switch (c) {
	case '\r':
	case '\n':
		return KEYS_ENTER;
	case 0x7f:
	case '\b':
		return KEYS_BACKSPACE;
	default:
		return c;
	}
}

int full_screen__key(void)
{
	wint_t code;
	int result;

	take_signals();
	terminal_output__flush();
	result = get_wch(&code);
	if (result == KEY_CODE_YES)
		return of_curses(code);
	if (result == OK) {
		if (code == KEYS_REDRAW)
			clearok(curscr, TRUE);
		return of_character(code);
	}
	full.gone |= is_gone();
	return full.gone ? KEYS_GONE : KEYS_NONE;
}

/* ---- lines ---- */

static void set_style(char style)
{
	attr_set(full.styles[(int)style], full.pairs[(int)style], NULL);
}

/* One line; returns where it ends. */
static const char *show_line(int row, const char *text)
{
	mbstate_t state = { 0 };
	int column = 0, width;
	wchar_t c[2] = { 0 };
	size_t n;

	move(row, 0);
	set_style(*STYLE_PLAIN);
	for (; *text && *text != '\n'; text += n) {
		n = 1;
		if (*text >= STYLE_FIRST && *text <= STYLE_LAST) {
			set_style(*text);
			continue;
		}
		n = mbrtowc(c, text, MB_CUR_MAX, &state);
		if (n == (size_t)-1 || n == (size_t)-2 || !n) {
			state = (mbstate_t){ 0 };
			n = 1;
			c[0] = L'?';
		}
		width = wcwidth(c[0]);
		if (width < 0 || column + width > COLS)
			continue;
		addwstr(c);
		column += width;
	}
	return *text ? text + 1 : text;
}

/* The last line's style goes on to its end, as that of heads and of the chosen one shall. */
static void fill_line(int row, const char *text)
{
	int y, x;

	if (*text != *STYLE_HEAD)
		return;
	getyx(stdscr, y, x);
	if (y != row)
		return; /* it is full */
	for (; x < COLS; x++)
		addch(' ');
}

void full_screen__show(const char *page)
{
	const char *text = page;
	int row;

	if (full.gone || !terminal_output__flush())
		return; /* the former page has not arrived yet */
	erase();
	for (row = 0; row < LINES && *text; row++) {
		const char *begin = text;

		text = show_line(row, text);
		fill_line(row, begin);
	}
	set_style(*STYLE_PLAIN);
	draw();
}
