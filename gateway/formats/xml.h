/* XML of strangers, through libxml2 with everything off that can hurt: no network, no external
 * files, no entity declarations, bounded depth. Names are compared without their namespace.
 *
 * Threads: one document is used by one thread. Ownership: xw_formats_xml_parse's document is freed
 * with xmlFreeDoc; texts returned are the caller's and freed with xmlFree. */
#ifndef XW_FORMATS_XML_H
#define XW_FORMATS_XML_H

#include "formats/internal.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

enum { XW_FORMATS_XML_MAX_NODES = 4 * 1024 * 1024 };

void xw_formats_xml_cleanup_doc(xmlDocPtr *doc);
void xw_formats_xml_cleanup_text(xmlChar **text);

XW_FORMATS_MUST_CHECK int xw_formats_xml_parse(const uint8_t *data, size_t n, xmlDocPtr *ret_doc,
                                               struct xw_formats_error *ret_error);
bool xw_formats_xml_is(const xmlNode *node, const char *name);
/* The first child element of this name; NULL for a NULL parent. */
xmlNode *xw_formats_xml_child(const xmlNode *parent, const char *name);
/* The next sibling element of this name. */
xmlNode *xw_formats_xml_next(const xmlNode *node, const char *name);
/* "a/b/c": first children, step by step. */
xmlNode *xw_formats_xml_path(const xmlNode *parent, const char *path);
/* The next element in document order, at any depth below root; start with at = root. */
xmlNode *xw_formats_xml_walk(const xmlNode *root, const xmlNode *at);
/* NULL when there is none. */
xmlChar *xw_formats_xml_attribute(const xmlNode *node, const char *name);
/* Attribute or text content as clean UTF-8; "" when there is none. */
void xw_formats_xml_attribute_text(const xmlNode *node, const char *name, char *dst,
                                   size_t dst_size);
void xw_formats_xml_text(const xmlNode *node, char *dst, size_t dst_size);
/* A number, exactly. False: none there, or none that can be read. */
bool xw_formats_xml_attribute_decimal(const xmlNode *node, const char *name,
                                      struct xw_wfdb_fraction *ret);
bool xw_formats_xml_decimal(const xmlNode *node, struct xw_wfdb_fraction *ret);
bool xw_formats_xml_double(const xmlNode *node, double *ret);
/* "line 12" for messages. */
const char *xw_formats_xml_line(const xmlNode *node, char *buffer, size_t buffer_size);

#endif
