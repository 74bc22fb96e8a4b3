/* Shared by the files of this folder: the parsed form of the tables and the measures that rules
 * name. */
#ifndef XW_DSP_INTERPRET_INTERNAL_H
#define XW_DSP_INTERPRET_INTERNAL_H

#include "dsp/interpret/interpret.h"

enum {
    ENTRIES_MAX = 400,
    LIMITS_MAX = 256,
    LIMIT_NAMES_MAX = 64,
    RULES_MAX = 400,
    TERMS_MAX = 2000,
    TESTS_MAX = 4000,
    RELATIONS_MAX = 600,
    RULE_LEADS_MAX = 18,
};

/* ---- measures ---- */

enum whole {
    W_AGE,
    W_AGE_KNOWN,
    W_VERDICT,
    W_READABLE,
    W_USABLE_12,
    W_UNFIT_N,
    W_LIMB_EXCHANGE,
    W_CHEST_EXCHANGE,
    W_DEXTROCARDIA,
    W_HR,
    W_RR,
    W_RR_MIN,
    W_RR_MAX,
    W_RR_RANGE,
    W_RR_CV,
    W_IRREGULAR,
    W_P_PRESENT,
    W_P_COHERENCE,
    W_P_MS,
    W_PR,
    W_QRS,
    W_QT,
    W_QTC_BAZETT,
    W_QTC_FRIDERICIA,
    W_QTC_FRAMINGHAM,
    W_QTC_HODGES,
    W_QTC_ADJUSTED,
    W_P_AXIS,
    W_QRS_AXIS,
    W_T_AXIS,
    W_SOKOLOW,
    W_CORNELL,
    W_CORNELL_PRODUCT,
    W_PEGUERO,
    W_BEATS_N,
    W_VPC_N,
    W_APC_N,
    W_PACE_N,
    W_PACED_SHARE,
    W_CHAIN_AF,
    W_CHAIN_FLUTTER,
    W_CHAIN_SVT,
    W_CHAIN_VT,
    W_CHAIN_VF,
    W_CHAIN_MOBITZ1,
    W_CHAIN_MOBITZ2,
    W_CHAIN_2TO1,
    W_CHAIN_AV3,
    W_CHAIN_ASYSTOLE,
    W_LBBB_OR_PACED, /* these three follow from what was said before */
    W_GRAVE_N,
    W_NOTES_N,
    WHOLES_N
};

enum of_lead {
    L_P,
    L_P_POS,
    L_P_NEG,
    L_Q,
    L_R,
    L_S,
    L_R2,
    L_S2,
    L_RMAX,
    L_S_ABS,
    L_DEEPEST,
    L_Q_MS,
    L_R_MS,
    L_S_MS,
    L_R2_MS,
    L_Q_SHARE,
    L_QRS_MS,
    L_P_MS,
    L_R_PEAK,
    L_ST_J,
    L_ST_60,
    L_ST_80,
    L_ST_SLOPE,
    L_T,
    L_T2,
    L_T_ABS,
    L_T_WIDTH,
    L_AREA,
    L_PP,
    L_NOTCHED,
    OF_LEADS_N
};

struct measure_name {
    const char *name, *unit;
};
extern const struct measure_name WHOLE_NAMES[WHOLES_N];
extern const struct measure_name OF_LEAD_NAMES[OF_LEADS_N];

struct facts {
    const struct xw_interpret_input *input;
    float age; /* assumed where not known */
    double whole[WHOLES_N];
    bool seen[XW_ECG_LEAD_COUNT]; /* the lead is usable */
    int row[XW_ECG_LEAD_COUNT];   /* of the result */
    double lead[XW_ECG_LEAD_COUNT][OF_LEADS_N];
    uint64_t dominant, premature_wide, premature_narrow, paced; /* beats */
};

void xw_interpret_facts(const struct xw_interpret_input *input, struct facts *ret);

/* ---- tables ---- */

enum op { OP_LT, OP_LE, OP_GT, OP_GE, OP_EQ, OP_NE };

/* A measure of the whole, of one lead, or (lead OTHER, of_lead) of the lead in turn. */
struct measure {
    bool of_lead;
    enum xw_ecg_lead lead;
    uint8_t index;
};

struct test {
    struct measure left, right;
    enum op op;
    enum { RIGHT_NUMBER, RIGHT_LIMIT, RIGHT_MEASURE } kind;
    double number; /* the number, or the factor before a measure */
    int limit;     /* index of the name */
};

enum quantifier { Q_IS, Q_ANY, Q_ALL, Q_NONE, Q_ATLEAST, Q_ADJACENT, Q_SAID, Q_UNSAID };

struct term {
    enum quantifier q;
    unsigned n; /* of atleast and adjacent */
    unsigned entry;
    unsigned leads_n;
    uint8_t leads[RULE_LEADS_MAX];
    unsigned first, tests_n;
};

struct rule {
    const char *id;
    unsigned version, entry, line;
    unsigned first, terms_n;
    bool overall; /* judged after the relations */
};

struct limit {
    int name;
    uint32_t leads; /* bit per lead code; 0 = any */
    char sex;       /* M F U * */
    double from, to, value;
};

enum relation_kind { RELATION_DROPS, RELATION_JOINS };
struct relation {
    enum relation_kind kind;
    unsigned a, b, c;
};

struct xw_interpret_tables {
    char *words; /* what all names and wordings point into */
    char version[XW_INTERPRET_VERSION_BYTES];
    unsigned entries_n, limits_n, limit_names_n, rules_n, terms_n, tests_n, relations_n;
    struct xw_interpret_entry entries[ENTRIES_MAX];
    const char *limit_names[LIMIT_NAMES_MAX];
    struct limit limits[LIMITS_MAX];
    struct rule rules[RULES_MAX];
    struct term terms[TERMS_MAX];
    struct test tests[TESTS_MAX];
    struct relation relations[RELATIONS_MAX];
};

/* Reads one table line by line, in place. */
struct reader {
    struct xw_interpret_tables *tables;
    struct xw_interpret_error *error;
    const char *table;
    char *next;
    unsigned line;
};

/* Writes the error and returns -EINVAL. */
int xw_interpret_refuse(struct reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The next line that says something, without comment and blank end; NULL at the end. */
char *xw_interpret_line(struct reader *r);
/* The first line must be "version N". 0 or -EINVAL. */
int xw_interpret_version_line(struct reader *r);
/* A number that is the whole word; false otherwise. */
bool xw_interpret_number(const char *word, double *ret);
/* The next word parted by blanks; NULL at the end. */
char *xw_interpret_word(char **rest);
int xw_interpret_entry_of(const struct xw_interpret_tables *t, const char *name); /* or -1 */
int xw_interpret_limit_name(const struct xw_interpret_tables *t, const char *name);
enum xw_ecg_lead xw_interpret_lead(const char *name); /* exact names only; OTHER = none */

int xw_interpret_parse_statements(struct reader *r);
int xw_interpret_parse_limits(struct reader *r);
int xw_interpret_parse_relations(struct reader *r);
int xw_interpret_parse_rules(struct reader *r);

/* ---- judging; apart for the tests that walk every rule ---- */
/* said: of ENTRIES_MAX, what rules before it said. */
bool xw_interpret_holds(const struct xw_interpret_tables *tables, const struct facts *facts,
                        const bool *said, const struct rule *rule);
/* The limit for this patient and lead; NAN where the table has no line. */
double xw_interpret_limit(const struct xw_interpret_tables *tables, const struct facts *facts,
                          int name, enum xw_ecg_lead lead);

#endif
