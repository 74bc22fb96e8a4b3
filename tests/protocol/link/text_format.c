/* Protobuf text to a message; see text_format.h. */
#include "protocol/link/text_format.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what, const char *at) __attribute__((noreturn));
static void fail(const char *what, const char *at)
{
    fprintf(stderr, "text format: %s at: %.60s\n", what, at);
    abort();
}

static void *zeroed(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        abort();
    return p;
}

static const char *skip(const char *p)
{
    while (*p && isspace((unsigned char)*p))
        p++;
    return p;
}

static size_t word(const char *p, char *ret_word, size_t size)
{
    size_t n = 0;
    while ((isalnum((unsigned char)p[n]) || strchr("_.+-", p[n])) && p[n] && n + 1 < size) {
        ret_word[n] = p[n];
        n++;
    }
    ret_word[n] = 0;
    return n;
}

static const char *parse_string(const char *p, ProtobufCBinaryData *ret_data)
{
    ret_data->data = zeroed(strlen(p) + 1);
    ret_data->len = 0;
    if (*p++ != '"')
        fail("a string", p);
    for (; *p && *p != '"'; p++) {
        unsigned value = (unsigned char)*p;
        if (*p == '\\' && p[1] == 'x') {
            char hex[3] = {p[2], p[3], 0};
            value = (unsigned)strtoul(hex, NULL, 16);
            p += 3;
        } else if (*p == '\\') {
            p++;
            value = *p == 'n' ? '\n' : (unsigned char)*p;
        }
        ret_data->data[ret_data->len++] = (uint8_t)value;
    }
    return p + 1;
}

static const char *parse_message(const char *p, ProtobufCMessage *message, bool nested);

/* Writes one value to `at`, which is of the field's own type. */
static const char *parse_value(const char *p, const ProtobufCFieldDescriptor *field, void *at)
{
    char text[64];
    if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData data;
        p = parse_string(p, &data);
        if (field->type == PROTOBUF_C_TYPE_BYTES)
            *(ProtobufCBinaryData *)at = data;
        else
            *(char **)at = (char *)data.data;
        return p;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessageDescriptor *type = field->descriptor;
        ProtobufCMessage *message = zeroed(type->sizeof_message);
        protobuf_c_message_init(type, message);
        *(ProtobufCMessage **)at = message;
        if (*p != '{')
            fail("{", p);
        return parse_message(p + 1, message, true);
    }
    size_t n = word(p, text, sizeof(text));
    if (!n)
        fail("a value", p);
    switch (field->type) {
    case PROTOBUF_C_TYPE_ENUM: {
        const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, text);
        if (!value)
            fail("an enum name", p);
        *(int *)at = value->value;
        break;
    }
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = !strcmp(text, "true");
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        *(float *)at = strtof(text, NULL);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        *(double *)at = strtod(text, NULL);
        break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        *(int32_t *)at = (int32_t)strtol(text, NULL, 10);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        *(uint32_t *)at = (uint32_t)strtoul(text, NULL, 10);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        *(int64_t *)at = strtoll(text, NULL, 10);
        break;
    default:
        *(uint64_t *)at = strtoull(text, NULL, 10);
    }
    return p + n;
}

static size_t size_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(int);
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return 4;
    default:
        return 8;
    }
}

static const char *parse_field(const char *p, const ProtobufCFieldDescriptor *field,
                               ProtobufCMessage *message)
{
    char *base = (char *)message, *at = base + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t *n = (size_t *)(void *)(base + field->quantifier_offset), size = size_of(field);
        void **array = (void **)(void *)at;
        void *grown = realloc(*array, (*n + 1) * size);
        if (!grown)
            abort();
        *array = grown;
        memset((char *)*array + *n * size, 0, size);
        at = (char *)*array + (*n)++ * size;
    } else if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        *(uint32_t *)(void *)(base + field->quantifier_offset) = field->id;
    }
    return parse_value(p, field, at);
}

static const char *parse_message(const char *p, ProtobufCMessage *message, bool nested)
{
    char name[64];
    for (p = skip(p); *p && *p != '}'; p = skip(p)) {
        size_t n = word(p, name, sizeof(name));
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
        if (!field)
            fail("a field name", p);
        p = skip(p + n);
        if (*p == ':')
            p = skip(p + 1);
        p = parse_field(p, field, message);
    }
    if (nested != (*p == '}'))
        fail("unbalanced braces", p);
    return nested ? p + 1 : p;
}

ProtobufCMessage *text_format_parse(const ProtobufCMessageDescriptor *type, const char *text)
{
    ProtobufCMessage *message = zeroed(type->sizeof_message);
    protobuf_c_message_init(type, message);
    parse_message(text, message, false);
    return message;
}
