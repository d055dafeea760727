/* top_screen.c - the terminal by ncursesw; see top_screen.h.
 *
 * newterm and not initscr, which ends the program when a terminal is not known. A resize arrives as
 * a key, since ncurses catches SIGWINCH; SIGINT and SIGTERM it catches, too, to leave in order.
 */
#include "src/ctl/top_screen.h"

#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/ctl/top_state.h"

#define ESCAPE_MS 25 /* how long what follows an escape may take to be a key's */

static attr_t attributes[TOP_STYLE_COUNT];
static short pairs[TOP_STYLE_COUNT];
static SCREEN *screen;

static void choose_styles(void);
static unsigned key_of(wint_t code);

int top_screen_open(struct err *err)
{
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		err_set(err, "this is no terminal");
		return -ENOTTY;
	}
	if (!term || strcmp(term, "dumb") == 0 || !(screen = newterm(NULL, stdout, stdin))) {
		err_set(err, "the terminal, TERM=%.60s, cannot show a screen", term ? term : "");
		return -ENOTTY;
	}
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	choose_styles();
	return 0;
}

void top_screen_close(void)
{
	endwin();
	delscreen(screen);
	screen = NULL;
}

void top_screen_size(unsigned *columns, unsigned *lines)
{
	int x, y;

	getmaxyx(stdscr, y, x);
	*columns = x > 0 ? (unsigned)x : 1;
	*lines = y > 0 ? (unsigned)y : 1;
}

void top_screen_draw(const struct top_frame *frame)
{
	erase();
	for (unsigned line = 0; line < frame->lines; line++) {
		for (unsigned column = 0; column < frame->columns; column++) {
			const struct top_cell *cell = &frame->cells[line * frame->columns + column];
			wchar_t text[TOP_CELL_CODES + 1] = {0};
			cchar_t character;

			if (!cell->codes[0]) {
				continue; /* the left half has drawn it */
			}
			memcpy(text, cell->codes, sizeof(cell->codes));
			setcchar(&character, text, attributes[cell->style], pairs[cell->style],
				 NULL);
			/* In the last cell it says that the cursor cannot go on. */
			(void)mvadd_wch((int)line, (int)column, &character);
		}
	}
	refresh();
}

unsigned top_screen_key(void)
{
	wint_t code;
	int kind = get_wch(&code);

	if (kind == KEY_CODE_YES) {
		return key_of(code);
	}
	if (kind != OK) {
		return TOP_KEY_NONE;
	}
	return code == '\r' ? TOP_KEY_ENTER : code == '\b' ? TOP_KEY_BACKSPACE : (unsigned)code;
}

/* What is bad is seen without colours as well. */
static void choose_styles(void)
{
	static const short colours[] = {
		[TOP_STYLE_GOOD] = COLOR_GREEN,
		[TOP_STYLE_WARN] = COLOR_YELLOW,
		[TOP_STYLE_BAD] = COLOR_RED,
	};
	bool coloured = has_colors() && start_color() == OK;

	attributes[TOP_STYLE_TITLE] = A_REVERSE;
	attributes[TOP_STYLE_CHOSEN] = A_REVERSE | A_BOLD;
	attributes[TOP_STYLE_HEAD] = A_BOLD;
	attributes[TOP_STYLE_DIM] = A_DIM;
	attributes[TOP_STYLE_WARN] = coloured ? 0 : A_UNDERLINE;
	attributes[TOP_STYLE_BAD] = coloured ? A_BOLD : A_STANDOUT;
	if (!coloured) {
		return;
	}
	use_default_colors();
	for (int style = TOP_STYLE_GOOD; style <= TOP_STYLE_BAD; style++) {
		init_pair((short)style, colours[style], -1);
		pairs[style] = (short)style;
	}
}

static unsigned key_of(wint_t code)
{
	switch (code) {
	case KEY_UP:
		return TOP_KEY_UP;
	case KEY_DOWN:
		return TOP_KEY_DOWN;
	case KEY_LEFT:
		return TOP_KEY_LEFT;
	case KEY_RIGHT:
		return TOP_KEY_RIGHT;
	case KEY_PPAGE:
		return TOP_KEY_PAGE_UP;
	case KEY_NPAGE:
		return TOP_KEY_PAGE_DOWN;
	case KEY_HOME:
		return TOP_KEY_HOME;
	case KEY_END:
		return TOP_KEY_END;
	case KEY_BTAB:
		return TOP_KEY_BACK_TAB;
	case KEY_ENTER:
		return TOP_KEY_ENTER;
	case KEY_BACKSPACE:
		return TOP_KEY_BACKSPACE;
	default:
		return TOP_KEY_RESIZE; /* or one that means nothing: the picture is drawn again */
	}
}
