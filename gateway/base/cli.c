/* The command line from its table. */
#include "base/cli.h"

#include "base/config.h"
#include "base/version.h"

#include <getopt.h>
#include <string.h>

enum { OPTIONS_MAX = 64, ID_FIRST = 256, ID_HELP = 1000, ID_VERSION = 1001 };

static void print_option(const char *name, char letter, const char *arg, const char *help,
                         FILE *out)
{
    enum { HELP_COLUMN = 30 };
    char left[128];
    char letter_text[5] = "    ";
    if (letter) {
        letter_text[0] = '-';
        letter_text[1] = letter;
        letter_text[2] = ',';
    }
    int n = snprintf(left, sizeof(left), "  %s--%s%s%s", letter_text, name, arg ? " " : "",
                     arg ? arg : "");
    if (n < HELP_COLUMN)
        fprintf(out, "%-*s%s\n", HELP_COLUMN, left, help);
    else
        fprintf(out, "%s\n%*s%s\n", left, HELP_COLUMN, "", help);
}

void xw_cli_help(const struct xw_cli *cli, FILE *out)
{
    fprintf(out, "usage: %s [OPTION…]%s%s\n%s\n\n", cli->program, cli->args ? " " : "",
            cli->args ? cli->args : "", cli->summary);
    for (size_t i = 0; i < cli->options_n; i++) {
        const struct xw_cli_option *o = &cli->options[i];
        print_option(o->name, o->letter, o->arg_name, o->help, out);
    }
    print_option("help", 'h', NULL, "print this and exit", out);
    print_option("version", 0, NULL, "print commit, compiler and instruction set and exit", out);
}

static int take_number(const char *text, double *ret_value)
{
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    if (end == text || *end || errno)
        return -EINVAL;
    *ret_value = v;
    return 0;
}

static int take(const struct xw_cli_option *option, const char *text)
{
    switch (option->type) {
    case XW_CLI_FLAG:
        *(bool *)option->target = true;
        return 0;
    case XW_CLI_TEXT:
        *(const char **)option->target = text;
        return 0;
    case XW_CLI_INT:
        return xw_parse_int(text, option->target);
    case XW_CLI_DURATION:
        return xw_parse_duration_us(text, option->target);
    case XW_CLI_BYTES:
        return xw_parse_bytes(text, option->target);
    case XW_CLI_NUMBER:
        return take_number(text, option->target);
    case XW_CLI_TEXTS: {
        struct xw_cli_texts *texts = option->target;
        if (texts->n == XW_CLI_TEXTS_MAX)
            return -EOVERFLOW;
        texts->v[texts->n++] = text;
        return 0;
    }
    }
    return -EINVAL;
}

/* The table in the form that getopt_long wants. */
static void translate(const struct xw_cli *cli, struct option *ret_long, char *ret_short)
{
    for (size_t i = 0; i < cli->options_n; i++) {
        const struct xw_cli_option *o = &cli->options[i];
        int has_arg = o->type == XW_CLI_FLAG ? no_argument : required_argument;
        *ret_long++ = (struct option){o->name, has_arg, NULL, ID_FIRST + (int)i};
        if (o->letter) {
            *ret_short++ = o->letter;
            if (has_arg == required_argument)
                *ret_short++ = ':';
        }
    }
    *ret_long++ = (struct option){"help", no_argument, NULL, ID_HELP};
    *ret_long++ = (struct option){"version", no_argument, NULL, ID_VERSION};
    *ret_long = (struct option){0};
    *ret_short++ = 'h';
    *ret_short = '\0';
}

static const struct xw_cli_option *option_of(const struct xw_cli *cli, int id)
{
    if (id >= ID_FIRST && id < ID_FIRST + (int)cli->options_n)
        return &cli->options[id - ID_FIRST];
    for (size_t i = 0; i < cli->options_n; i++)
        if (cli->options[i].letter && cli->options[i].letter == id)
            return &cli->options[i];
    return NULL;
}

int xw_cli_parse(const struct xw_cli *cli, int argc, char **argv, int *ret_first)
{
    struct option long_options[OPTIONS_MAX + 3];
    char short_options[2 * OPTIONS_MAX + 2];
    if (cli->options_n > OPTIONS_MAX)
        return -EINVAL;
    translate(cli, long_options, short_options);
    optind = 0; /* begin anew, also when called a second time */
    for (int id; (id = getopt_long(argc, argv, short_options, long_options, NULL)) != -1;) {
        char line[256];
        if (id == ID_HELP || id == 'h') {
            xw_cli_help(cli, stdout);
            return 1;
        }
        if (id == ID_VERSION) {
            puts(xw_version_line(cli->program, line, sizeof(line)));
            return 1;
        }
        const struct xw_cli_option *option = option_of(cli, id);
        if (!option) {
            fprintf(stderr, "Try '%s --help'.\n", cli->program);
            return -EINVAL;
        }
        if (take(option, optarg) < 0) {
            fprintf(stderr, "%s: --%s: '%s' is not a valid %s\n", cli->program, option->name,
                    optarg, option->arg_name ? option->arg_name : "value");
            return -EINVAL;
        }
    }
    if (!cli->args && optind < argc) {
        fprintf(stderr, "%s: '%s' is not understood. Try '%s --help'.\n", cli->program,
                argv[optind], cli->program);
        return -EINVAL;
    }
    *ret_first = optind;
    return 0;
}
