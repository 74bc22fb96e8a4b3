/* libxml2 behind a narrow door. */
#include "formats/xml.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

void xw_formats_xml_cleanup_doc(xmlDocPtr *doc)
{
    if (*doc)
        xmlFreeDoc(*doc);
}

void xw_formats_xml_cleanup_text(xmlChar **text)
{
    if (*text)
        xmlFree(*text);
}

/* One declared entity is one too many: no ECG device writes any, every XML bomb does. */
static void refuse_entity(void *context, const xmlChar *name, int type, const xmlChar *public_id,
                          const xmlChar *system_id, xmlChar *content)
{
    xmlParserCtxtPtr parser = context;
    (void)name;
    (void)type;
    (void)public_id;
    (void)system_id;
    (void)content;
    parser->_private = parser;
    xmlStopParser(parser);
}

static int refused(xmlParserCtxtPtr parser, struct xw_formats_error *ret_error)
{
    char where[XW_FORMATS_NAME_BYTES] = "";
    const xmlError *last = xmlCtxtGetLastError(parser);
    if (parser->_private)
        return xw_formats_fail(ret_error, EBADMSG, "",
                               "the XML declares entities, which no ECG device needs");
    if (last && last->line > 0)
        snprintf(where, sizeof(where), "line %d", last->line);
    if (last && last->code == XML_ERR_NO_MEMORY)
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    /* libxml2's own sentence may quote the document: it is not repeated. */
    bool cut =
        last && (last->code == XML_ERR_DOCUMENT_END || last->code == XML_ERR_TAG_NOT_FINISHED ||
                 last->code == XML_ERR_DOCUMENT_EMPTY || last->code == XML_ERR_GT_REQUIRED);
    return xw_formats_fail(ret_error, cut ? ENODATA : EBADMSG, where,
                           cut ? "the XML ends in the middle"
                               : "not well-formed XML, or nested or long beyond reason");
}

static void be_silent(void *context, xmlErrorPtr error)
{
    (void)context;
    (void)error;
}

int xw_formats_xml_parse(const uint8_t *data, size_t n, xmlDocPtr *ret_doc,
                         struct xw_formats_error *ret_error)
{
    if (n > INT_MAX)
        return xw_formats_fail(ret_error, EOVERFLOW, "", "more XML than can be taken");
    xmlParserCtxtPtr parser = xmlNewParserCtxt();
    if (!parser)
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    parser->sax->entityDecl = refuse_entity;
    parser->sax->serror = be_silent;
    xmlDocPtr doc = xmlCtxtReadMemory(parser, (const char *)data, (int)n, NULL, NULL,
                                      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                          XML_PARSE_NOCDATA | XML_PARSE_COMPACT);
    int e = 0;
    if (!doc || parser->_private || !xmlDocGetRootElement(doc))
        e = refused(parser, ret_error);
    xmlFreeParserCtxt(parser);
    if (e < 0 && doc)
        xmlFreeDoc(doc);
    if (e == 0)
        *ret_doc = doc;
    return e;
}

bool xw_formats_xml_is(const xmlNode *node, const char *name)
{
    return node && node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

xmlNode *xw_formats_xml_next(const xmlNode *node, const char *name)
{
    xmlNode *at = node ? node->next : NULL;
    while (at && !xw_formats_xml_is(at, name))
        at = at->next;
    return at;
}

xmlNode *xw_formats_xml_child(const xmlNode *parent, const char *name)
{
    xmlNode *at = parent ? parent->children : NULL;
    while (at && !xw_formats_xml_is(at, name))
        at = at->next;
    return at;
}

xmlNode *xw_formats_xml_path(const xmlNode *parent, const char *path)
{
    const xmlNode *at = parent;
    while (at && *path) {
        char name[64];
        size_t n = strcspn(path, "/");
        if (n >= sizeof(name))
            return NULL;
        memcpy(name, path, n);
        name[n] = 0;
        at = xw_formats_xml_child(at, name);
        path += n + (path[n] == '/');
    }
    return (xmlNode *)(uintptr_t)at;
}

xmlNode *xw_formats_xml_walk(const xmlNode *root, const xmlNode *at)
{
    const xmlNode *next = at;
    do {
        if (next->children && next->type == XML_ELEMENT_NODE) {
            next = next->children;
        } else {
            while (next != root && !next->next)
                next = next->parent;
            if (next == root)
                return NULL;
            next = next->next;
        }
    } while (next->type != XML_ELEMENT_NODE);
    return (xmlNode *)(uintptr_t)next;
}

xmlChar *xw_formats_xml_attribute(const xmlNode *node, const char *name)
{
    return node ? xmlGetProp(node, (const xmlChar *)name) : NULL;
}

void xw_formats_xml_attribute_text(const xmlNode *node, const char *name, char *dst,
                                   size_t dst_size)
{
    __attribute__((cleanup(xw_formats_xml_cleanup_text))) xmlChar *text =
        xw_formats_xml_attribute(node, name);
    xw_formats_text(dst, dst_size, text ? (const char *)text : "",
                    text ? strlen((const char *)text) : 0);
}

void xw_formats_xml_text(const xmlNode *node, char *dst, size_t dst_size)
{
    __attribute__((cleanup(xw_formats_xml_cleanup_text))) xmlChar *text =
        node ? xmlNodeGetContent(node) : NULL;
    const char *from = text ? (const char *)text : "";
    from += strspn(from, " \t\r\n");
    xw_formats_text(dst, dst_size, from, strlen(from));
}

bool xw_formats_xml_attribute_decimal(const xmlNode *node, const char *name,
                                      struct xw_wfdb_fraction *ret)
{
    __attribute__((cleanup(xw_formats_xml_cleanup_text))) xmlChar *text =
        xw_formats_xml_attribute(node, name);
    return text && xw_formats_decimal((const char *)text, strlen((const char *)text), ret) == 0;
}

bool xw_formats_xml_decimal(const xmlNode *node, struct xw_wfdb_fraction *ret)
{
    __attribute__((cleanup(xw_formats_xml_cleanup_text))) xmlChar *text =
        node ? xmlNodeGetContent(node) : NULL;
    return text && xw_formats_decimal((const char *)text, strlen((const char *)text), ret) == 0;
}

bool xw_formats_xml_double(const xmlNode *node, double *ret)
{
    struct xw_wfdb_fraction value;
    if (!xw_formats_xml_decimal(node, &value))
        return false;
    *ret = xw_formats_double(value);
    return true;
}

const char *xw_formats_xml_line(const xmlNode *node, char *buffer, size_t buffer_size)
{
    snprintf(buffer, buffer_size, "line %ld", xmlGetLineNo(node));
    return buffer;
}
