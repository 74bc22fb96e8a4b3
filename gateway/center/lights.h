/* The three lights of a study: captured, stored at the gateway, stored at the county.
 *
 * Threads: loop thread only. Ownership: the answer belongs to the caller. */
#ifndef XW_CENTER_LIGHTS_H
#define XW_CENTER_LIGHTS_H

#include "center/center.h"
#include "center/json.h"
#include "center/studies.h"

/* {"captured","gateway","county"}: "proven", "waiting" or "unknown"; each that of the item for
 * which it stands worst. */
json_t *xw_lights_study(struct xw_center *center, const struct xw_study *study);
/* Study of API.md with its lights. */
json_t *xw_lights_study_json(struct xw_center *center, const struct xw_study *study);

#endif
