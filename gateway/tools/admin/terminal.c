/* Reading a password without showing it. */
#include "admin.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

static int read_line(char *ret_text, size_t cap)
{
    if (!fgets(ret_text, (int)cap, stdin))
        return -EIO;
    size_t n = strlen(ret_text);
    if (n == 0 || ret_text[n - 1] != '\n')
        return n + 1 == cap ? -EOVERFLOW : 0;
    ret_text[n - 1] = 0;
    return 0;
}

static int read_hidden(const char *prompt, char *ret_text, size_t cap)
{
    struct termios before, hidden;
    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return -errno;
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "%s: ", prompt);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    int r = read_line(ret_text, cap);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return r;
}

int xw_admin_password(char *ret_text, size_t cap)
{
    char again[300];
    if (!isatty(STDIN_FILENO))
        return read_line(ret_text, cap);
    int r = read_hidden("new password", ret_text, cap);
    if (r == 0)
        r = read_hidden("again", again, XW_MIN(cap, sizeof(again)));
    if (r == 0 && strcmp(ret_text, again) != 0)
        r = -EKEYREJECTED;
    sodium_memzero(again, sizeof(again));
    return r;
}
