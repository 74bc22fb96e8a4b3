/* What the three configuration files share. Not for other modules. */
#ifndef XW_BASE_CONFIG_INTERNAL_H
#define XW_BASE_CONFIG_INTERNAL_H

#include "base/config.h"

/* Parses text by the item's type and range into its place in values. ret_why gets the reason
 * without place or name. The old value stays on failure. */
int xw_config_apply(const struct xw_config_item *item, const char *text, void *values,
                    char *ret_why, size_t why_n_bytes) XW_MUST_CHECK;
void xw_config_free_value(const struct xw_config_item *item, void *values);
/* The value as file text. */
void xw_config_print_value(const struct xw_config_item *item, const void *values, FILE *out);
/* "1 to 64", "20ms to 1min", "auto|on|off"; what one may write. */
void xw_config_print_range(const struct xw_config_item *item, FILE *out);

const struct xw_config_item *xw_config_find(const struct xw_config_schema *schema,
                                            const char *section, const char *name);
bool xw_config_has_section(const struct xw_config_schema *schema, const char *section);

#endif
