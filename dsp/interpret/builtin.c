#include "dsp/interpret/interpret.h"

/* Made from tables/ while building (cmake/embed.cmake). */
extern const unsigned char xw_interpret_text_statements[], xw_interpret_text_limits[],
    xw_interpret_text_rules[], xw_interpret_text_relations[];
extern const unsigned long xw_interpret_text_statements_n, xw_interpret_text_limits_n,
    xw_interpret_text_rules_n, xw_interpret_text_relations_n;

void xw_interpret_builtin(struct xw_interpret_texts *ret_texts)
{
    *ret_texts = (struct xw_interpret_texts){
        {(const char *)xw_interpret_text_statements, xw_interpret_text_statements_n},
        {(const char *)xw_interpret_text_limits, xw_interpret_text_limits_n},
        {(const char *)xw_interpret_text_rules, xw_interpret_text_rules_n},
        {(const char *)xw_interpret_text_relations, xw_interpret_text_relations_n}};
}
