/* Protobuf text to a message, by the generated descriptors: what the vectors are written in.
 *
 * Understands `name: value`, `name { … }`, repetition by saying it again, strings with \xNN, \n,
 * \",
 * \\, numbers, true/false and enum names. Test code: aborts with a message on anything else. */
#ifndef XW_TESTS_TEXT_FORMAT_H
#define XW_TESTS_TEXT_FORMAT_H

#include <protobuf-c/protobuf-c.h>

ProtobufCMessage *text_format_parse(const ProtobufCMessageDescriptor *type, const char *text);

#endif
